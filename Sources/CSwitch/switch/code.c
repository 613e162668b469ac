// Tells addresses of code from other words.
//
// Source: dl_iterate_phdr(3).
#define _GNU_SOURCE
#include "../internal.h"

#if defined(__linux__)

#include <link.h>

static int visit(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  uintptr_t offset = *(uintptr_t *)context - info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    bool is_code = header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0;
    // An underflow makes the offset huge, so one comparison checks both ends.
    if (is_code && offset - header->p_vaddr < header->p_memsz) return 1;
  }
  return 0;
}

bool cs_is_code(uintptr_t address) { return dl_iterate_phdr(visit, &address) != 0; }

#else

bool cs_is_code(uintptr_t address) {
  (void)address;
  return false;
}

#endif
