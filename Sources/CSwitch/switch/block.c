// Finds the calling thread's thread-local block of a shared object, to search it for a word without a public name.
//
// Source: dl_iterate_phdr(3).
#define _GNU_SOURCE
#include "../internal.h"

#if defined(__linux__)

#include <link.h>

static int visit(struct dl_phdr_info *info, size_t size, void *context) {
  cs_block *wanted = context;
  if (size < offsetof(struct dl_phdr_info, dlpi_tls_data) + sizeof info->dlpi_tls_data) return 1;
  bool contains = false;
  size_t bytes = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    // An underflow makes the offset huge, so one comparison checks both ends.
    if (header->p_type == PT_LOAD) contains |= wanted->code - info->dlpi_addr - header->p_vaddr < header->p_memsz;
    if (header->p_type == PT_TLS) bytes = header->p_memsz;
  }
  if (!contains) return 0;
  uintptr_t start = (uintptr_t)info->dlpi_tls_data;
  uintptr_t aligned = (start + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
  if (start != 0 && bytes >= aligned - start) {
    wanted->words = (uintptr_t *)aligned;
    wanted->count = (bytes - (aligned - start)) / sizeof(uintptr_t);
  }
  return 1;
}

cs_block cs_find_block(const void *code) {
  cs_block block = {.code = (uintptr_t)code};
  dl_iterate_phdr(visit, &block);
  return block;
}

// Volatile: the runtime changes these words behind the compiler's back.
CS_UNSANITIZED uintptr_t cs_load_word(const void *word) { return *(const volatile uintptr_t *)word; }

#endif
