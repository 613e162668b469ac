// System calls without the C library, for code that shares memory and thread-locals with a thread of another process.
//
// No errno, no lazily bound stubs, nothing that a sanitizer replaces.
#ifndef NURSERY_CSWITCH_RAW_H
#define NURSERY_CSWITCH_RAW_H

#if defined(__linux__)

#include <sys/syscall.h>

#define CS_RAW static inline __attribute__((always_inline, unused))

#if defined(__x86_64__)

CS_RAW long cs_raw(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

// Makes a process that calls `body(argument)`, which must not return, on a stack of its own. With CLONE_PARENT_SETTID
// the kernel writes the new process's number to `number` before that process runs.
CS_RAW long cs_raw_clone(long flags, void *top, int *number, void (*body)(void *), void *argument) {
  long result;
  register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0;
  register void *r12 __asm__("r12") = (void *)body, *r13 __asm__("r13") = argument;
  __asm__ volatile("syscall\n\t"
                   "testq %%rax, %%rax\n\t"
                   "jnz 1f\n\t"
                   "xorl %%ebp, %%ebp\n\t"
                   "movq %%r13, %%rdi\n\t"
                   "callq *%%r12\n\t"
                   "ud2\n"
                   "1:"
                   : "=a"(result)
                   : "a"((long)SYS_clone), "D"(flags), "S"(top), "d"(number), "r"(r10), "r"(r8), "r"(r12), "r"(r13)
                   : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

CS_RAW long cs_raw(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}

CS_RAW long cs_raw_clone(long flags, void *top, int *number, void (*body)(void *), void *argument) {
  register long x8 __asm__("x8") = SYS_clone, x0 __asm__("x0") = flags, x3 __asm__("x3") = 0, x4 __asm__("x4") = 0;
  register int *x2 __asm__("x2") = number;
  register void *x1 __asm__("x1") = top, *x9 __asm__("x9") = (void *)body, *x10 __asm__("x10") = argument;
  __asm__ volatile("svc #0\n\t"
                   "cbnz x0, 1f\n\t"
                   "mov x29, xzr\n\t"
                   "mov x30, xzr\n\t"
                   "mov x0, x10\n\t"
                   "blr x9\n\t"
                   "brk #1\n"
                   "1:"
                   : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x9), "r"(x10) : "memory");
  return x0;
}

#endif

#define CS_ARGUMENT(value) ((long)(value))
#define cs_raw0(number) cs_raw(number, 0, 0, 0, 0, 0, 0)
#define cs_raw1(number, a) cs_raw(number, CS_ARGUMENT(a), 0, 0, 0, 0, 0)
#define cs_raw2(number, a, b) cs_raw(number, CS_ARGUMENT(a), CS_ARGUMENT(b), 0, 0, 0, 0)
#define cs_raw3(number, a, b, c) cs_raw(number, CS_ARGUMENT(a), CS_ARGUMENT(b), CS_ARGUMENT(c), 0, 0, 0)
#define cs_raw4(number, a, b, c, d) \
  cs_raw(number, CS_ARGUMENT(a), CS_ARGUMENT(b), CS_ARGUMENT(c), CS_ARGUMENT(d), 0, 0)
#define cs_raw5(number, a, b, c, d, e) \
  cs_raw(number, CS_ARGUMENT(a), CS_ARGUMENT(b), CS_ARGUMENT(c), CS_ARGUMENT(d), CS_ARGUMENT(e), 0)
#define cs_raw6(number, a, b, c, d, e, f) \
  cs_raw(number, CS_ARGUMENT(a), CS_ARGUMENT(b), CS_ARGUMENT(c), CS_ARGUMENT(d), CS_ARGUMENT(e), CS_ARGUMENT(f))

#endif
#endif
