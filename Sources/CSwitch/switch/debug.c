// A table for debuggers, which read it without the process's help.
//
// Release builds have no debug information that says where the fields of a record are, and what there is of Swift's is
// not what gdb can read. So the process keeps the offsets itself, and a list of what runs. Examples/Debugger/nursery.py
// finds the table by the name of its symbol.
#include "../internal.h"
#include "CSwitchDebug.h"

#include <stdlib.h>

enum { VERSION = 1, PLACES = 64 };

typedef struct run {
  struct run *next;
  const void *root;
  const void *workers;
  const void *worker_count;
} run;

// Every field is a word. Changes other than further places are another version.
struct {
  uint64_t version;
  run *runs;
  uint64_t count;
  struct {
    const char *name;
    uint64_t value;
  } places[PLACES];
} cs_debug = {.version = VERSION};

void cs_debug_add_place(const char *name, uint64_t value) {
  if (cs_debug.count == PLACES) abort();
  cs_debug.places[cs_debug.count].name = name;
  cs_debug.places[cs_debug.count].value = value;
  __atomic_store_n(&cs_debug.count, cs_debug.count + 1, __ATOMIC_RELEASE);
}

void cs_debug_add_run(const void *root, const void *workers, const void *worker_count) {
  run *added = malloc(sizeof *added);
  if (added == NULL) return;
  *added = (run){cs_debug.runs, root, workers, worker_count};
  __atomic_store_n(&cs_debug.runs, added, __ATOMIC_RELEASE);
}

void cs_debug_remove_run(const void *root) {
  for (run **link = &cs_debug.runs; *link != NULL; link = &(*link)->next) {
    run *found = *link;
    if (found->root != root) continue;
    *link = found->next;
    free(found);
    return;
  }
}
