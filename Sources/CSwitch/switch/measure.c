// Measures how deep a stack has been used.
//
// First everything below the running frame is set to zero. Later the lowest word that is not zero shows how deep the
// calls in between went. Each call leaves a nonzero return address, so only zeros in the deepest frame can be missed.
//
// Pages that are not resident have never been touched (mincore(2)). They are neither read nor written, so measuring
// takes no memory.
//
// These functions write below their own stack pointer. So they must not be inlined, and must not call anything while
// they write.
#define _GNU_SOURCE
#include "../internal.h"

#include <sys/mman.h>

// Pages for each call of mincore: 256 KiB of stack.
enum { CHUNK = 64 };
// Words are compared a cache line at a time, because most lines are zero.
enum { LINE = 64 };

// The lowest address that the caller may use, red zone included.
#if defined(__x86_64__)
#define CS_LOWEST_LIVE(address) __asm__ volatile("lea -128(%%rsp), %0" : "=r"(address))
#else
#define CS_LOWEST_LIVE(address) __asm__ volatile("sub %0, sp, #128" : "=r"(address))
#endif

CS_UNSANITIZED static void *walk(char *bottom, bool clears) {
  unsigned char resident[CHUNK];
  size_t page = cs_page_size();
  char *end;
  CS_LOWEST_LIVE(end);
  end -= (uintptr_t)end % LINE;
  for (char *chunk = bottom; chunk < end; chunk += CHUNK * page) {
    size_t pages = ((size_t)(end - chunk) + page - 1) / page;
    if (pages > CHUNK) pages = CHUNK;
    // If mincore fails, every page counts as resident.
    bool told = mincore(chunk, pages * page, (void *)resident) == 0;
    for (size_t i = 0; i < pages; i++) {
      if (told && !(resident[i] & 1)) continue;
      char *limit = chunk + (i + 1) * page < end ? chunk + (i + 1) * page : end;
      for (char *line = chunk + i * page; line < limit; line += LINE) {
        volatile uint64_t *word = (volatile uint64_t *)(void *)line;
        if ((word[0] | word[1] | word[2] | word[3] | word[4] | word[5] | word[6] | word[7]) == 0) continue;
        for (int j = 0; j < LINE / 8; j++) {
          if (clears) word[j] = 0;
          else if (word[j] != 0) return line + j * 8;
        }
      }
    }
  }
  return end;
}

void cs_clear_unused(void *bottom) { (void)walk(bottom, true); }

void *cs_lowest_used(void *bottom) { return walk(bottom, false); }
