// Tells addresses of code from other words, and whose code it is; shows addresses to what walks along a stack.
//
// Source: dl_iterate_phdr(3).
#define _GNU_SOURCE
#include "../internal.h"

#include <string.h>

#if defined(__linux__)

#include <link.h>

typedef struct {
  uintptr_t address;
  const char *image;
} search;

static int visit(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  search *wanted = context;
  uintptr_t offset = wanted->address - info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    bool is_code = header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0;
    // An underflow makes the offset huge, so one comparison checks both ends.
    if (!is_code || offset - header->p_vaddr >= header->p_memsz) continue;
    wanted->image = info->dlpi_name;
    return 1;
  }
  return 0;
}

const char *cs_image_of_code(uintptr_t address) {
  search wanted = {.address = address};
  return dl_iterate_phdr(visit, &wanted) != 0 && wanted.image == NULL ? "" : wanted.image;
}

#else

const char *cs_image_of_code(uintptr_t address) {
  (void)address;
  return NULL;
}

#endif

// In the assembly file: calls the body with the frame pointer set to the frame.
void cs_call_with_frame(void (*body)(void *), void *argument, const void *frame);

void cs_call_below(void (*body)(void *), void *argument, const uintptr_t *addresses, size_t count) {
  // A frame begins with the frame pointer that its function has saved. If the function is async, what walks along the
  // stack takes the word below that for the function's context, and goes on along the contexts: those of the addresses
  // after it. A context has no return address, but the address where its function goes on.
  struct {
    uintptr_t unused;
    const void *context;
    _Alignas(16) const void *next;  // as the stack is
    uintptr_t return_address;
    const void *parent;
    uintptr_t resumption;
  } frames[CS_MOST_FRAMES + 1];
  if (count > CS_MOST_FRAMES) count = CS_MOST_FRAMES;
  memset(frames, 0, (count + 1) * sizeof frames[0]);
  for (size_t i = 0; i < count; i++) {
    frames[i].next = &frames[i + 1].next;
    frames[i].return_address = addresses[i];
    frames[i].resumption = addresses[i] - 1;
    frames[i].context = &frames[i + 1].parent;
    frames[i].parent = &frames[i + 1].parent;
  }
  cs_call_with_frame(body, argument, &frames[0].next);
}
