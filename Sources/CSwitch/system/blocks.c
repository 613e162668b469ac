// Blocks of the allocator's.
#include "../internal.h"

#if defined(__APPLE__)
#include <malloc/malloc.h>
size_t cs_block_size(const void *block) { return malloc_size(block); }
#else
#include <malloc.h>
size_t cs_block_size(const void *block) { return malloc_usable_size((void *)block); }
#endif
