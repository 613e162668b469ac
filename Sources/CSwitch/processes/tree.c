// Finds all living descendants of a child by their parents' numbers; for keeper.c, whose rules apply here.
//
// No descendant is lost between two scans: if its parent ends, the keeper becomes its parent.
//
// Sources: proc(5), getdents(2), kill(2).
#define _GNU_SOURCE
#include "keeper.h"

#if defined(__linux__)

#include "raw.h"

#include <fcntl.h>
#include <signal.h>

CS_ALONE_BEGIN

// Reads the number after the next space.
ALONE static int field(const char **text, const char *end) {
  const char *at = *text;
  while (at < end && *at != ' ') at++;
  while (at < end && *at == ' ') at++;
  int number = 0;
  for (; at < end && *at >= '0' && *at <= '9'; at++) number = number * 10 + (*at - '0');
  *text = at;
  return number;
}

typedef struct relations { int parent; int threads; char state; } relations;

enum { FIELD_OF_PARENT = 4, FIELD_OF_THREADS = 20 };

// False if there is no such process any more.
ALONE static bool relations_of(cs_keeping *keeping, int process, relations *found) {
  char *text = keeping->text;
  int length = 0;
  for (const char *part = "/proc/"; *part; part++) text[length++] = *part;
  int power = 1;
  while (process / power >= 10) power *= 10;
  for (; power > 0; power /= 10) text[length++] = (char)('0' + process / power % 10);
  for (const char *part = "/stat"; *part; part++) text[length++] = *part;
  text[length] = 0;
  long file = cs_raw4(SYS_openat, AT_FDCWD, text, O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return false;
  long count = cs_raw3(SYS_read, file, text, sizeof keeping->text);
  cs_raw1(SYS_close, file);
  // number (name) state parent ... threads ...; the name is short and may hold any character, also parentheses.
  const char *end = text + (count > 0 ? count : 0), *after = end;
  while (after > text && *after != ')') after--;
  if (after == text || end - after < 4) return false;
  found->state = after[2];
  after += 2;
  found->parent = field(&after, end);
  for (int i = FIELD_OF_PARENT + 1; i < FIELD_OF_THREADS; i++) field(&after, end);
  found->threads = field(&after, end);
  return true;
}

ALONE static bool is_known(const cs_keeping *keeping, int process) {
  for (int i = 0; i < keeping->known; i++) if (keeping->tree[i] == process) return true;
  return false;
}

typedef struct entry {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
} entry;

// Calls `visit` for every process. Returns -errno if there is no /proc.
ALONE static long visit_processes(cs_keeping *keeping, void (*visit)(cs_keeping *, int, const relations *)) {
  long folder = cs_raw4(SYS_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (folder < 0) return folder;
  long count;
  while ((count = cs_raw3(SYS_getdents64, folder, keeping->listing, sizeof keeping->listing)) > 0) {
    for (long at = 0; at < count;) {
      const entry *one = (const entry *)(keeping->listing + at);
      at += one->length;
      int process = 0;
      const char *digit = one->name;
      for (; *digit >= '0' && *digit <= '9'; digit++) process = process * 10 + (*digit - '0');
      relations found;
      if (*digit == 0 && process > 0 && relations_of(keeping, process, &found)) visit(keeping, process, &found);
    }
  }
  cs_raw1(SYS_close, folder);
  return count;
}

// The state is the main thread's. If the main thread has ended before others, it is a zombie while the process still
// runs.
ALONE static bool is_alive(const relations *found) {
  return found->state == 'Z' ? found->threads > 1 : found->state != 'X';
}

ALONE static void note_descendant(cs_keeping *keeping, int process, const relations *found) {
  if (keeping->known == CS_TREE_CAPACITY || !is_alive(found)) return;
  if (is_known(keeping, found->parent) && !is_known(keeping, process)) keeping->tree[keeping->known++] = process;
}

// Fills the table; the keeper comes first. Mostly, but not always, a child is listed after its parent, so one scan may
// miss some. The scans are bounded, because a tree that never stops making processes has a new one for every scan.
ALONE static long find_tree(cs_keeping *keeping) {
  keeping->tree[0] = (int)cs_raw0(SYS_getpid);
  keeping->known = 1;
  long result = 0;
  for (int pass = 0, before = 0; pass < CS_TREE_PASSES && keeping->known != before && result >= 0; pass++) {
    before = keeping->known;
    result = visit_processes(keeping, note_descendant);
  }
  return result;
}

// A process that was found earlier may have ended since, and its number may belong to an unrelated process.
ALONE static bool is_still_there(cs_keeping *keeping, int process) {
  relations now;
  return relations_of(keeping, process, &now) && is_alive(&now) && is_known(keeping, now.parent);
}

// Signals the child's whole group at once, then each descendant that has left it.
ALONE cs_tree_outcome cs_signal_tree(cs_keeping *keeping, int signal) {
  cs_tree_outcome result;
  result.reached = result.error = 0;
  // Until the child is reaped, no other process or group can have its number.
  if (keeping->main != 0 && cs_raw2(SYS_kill, -keeping->main, signal) == 0) result.reached++;
  long found = find_tree(keeping);
  if (found < 0) result.error = (int)-found;
  for (int i = 1; i < keeping->known; i++) {
    int process = keeping->tree[i];
    bool has_heard = keeping->main != 0 && signal != SIGKILL && cs_raw1(SYS_getpgid, process) == keeping->main;
    if (has_heard || !is_still_there(keeping, process)) continue;
    long sent = cs_raw2(SYS_kill, process, signal);
    if (sent == 0) result.reached++;
    if (sent == -EPERM) result.error = EPERM;
  }
  return result;
}

CS_ALONE_END

#endif
