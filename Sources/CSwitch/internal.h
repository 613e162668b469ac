// What the C files of CSwitch share and Swift must not see.
#ifndef NURSERY_CSWITCH_INTERNAL_H
#define NURSERY_CSWITCH_INTERNAL_H

#include "include/CSwitch.h"

#include <errno.h>

#if !defined(__has_feature)
#define __has_feature(name) 0
#endif
#if !defined(__has_attribute)
#define __has_attribute(name) 0
#endif

#if __has_feature(address_sanitizer) || defined(__SANITIZE_ADDRESS__)
#define CS_ADDRESS_SANITIZER 1
#elif __has_feature(thread_sanitizer) || defined(__SANITIZE_THREAD__)
#define CS_THREAD_SANITIZER 1
#endif

#define CS_NOINLINE __attribute__((noinline))

// For functions that run while the sanitizer's idea of the current stack and the real one differ.
#if __has_attribute(disable_sanitizer_instrumentation)
#define CS_UNSANITIZED __attribute__((noinline, disable_sanitizer_instrumentation))
#elif defined(__clang__)
#define CS_UNSANITIZED __attribute__((noinline, no_sanitize("address", "thread")))
#else
#define CS_UNSANITIZED __attribute__((noinline, no_sanitize_address, no_sanitize_thread))
#endif

// A few words in the static block: one instruction to reach, also from a shared library.
#if defined(__APPLE__)
#define CS_THREAD_LOCAL static _Thread_local
#else
#define CS_THREAD_LOCAL static _Thread_local __attribute__((tls_model("initial-exec")))
#endif

// The assembly routine under the name that no sanitizer replaces.
void cs_switch_raw(void **save, void *target);

// The calling thread's thread-local block of the shared object that contains `code`; no words if it has none yet.
typedef struct cs_block {
  uintptr_t code;
  uintptr_t *words;
  size_t count;
} cs_block;
cs_block cs_find_block(const void *code);
// Reads a word that other code changes without the compiler's knowledge.
uintptr_t cs_load_word(const void *word);

// `cs_send_descriptor` and `cs_receive_descriptor` with flags of the caller's: 0 to wait on a socket that blocks.
ssize_t cs_pass_descriptor(int fd, const void *buffer, size_t count, int descriptor, int flags);
ssize_t cs_take_descriptor(int fd, void *buffer, size_t count, int *descriptor, int flags);

struct sigaction;
// Installs an action for a signal that the program does not use: the highest real-time signal that has its default action
// and can be sent. Returns its number; 0 if there is none. The handler may be called, for nothing, during this call.
int cs_claim_signal(const struct sigaction *action);

// For a call that returns -1 and sets errno. Nothing switches between the call and the read of errno.
static inline int cs_status(long result) { return result < 0 ? -errno : (int)result; }

// Whether a call that has failed is to be made again, because it was a signal that ended it and not an interruption.
static inline bool cs_restarts(void) { return errno == EINTR && !cs_is_interrupted(); }

#endif
