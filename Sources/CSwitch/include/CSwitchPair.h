// The switch between the two stacks of a coroutine, inlined at each use.
//
// cs_switch must save every callee-saved register, because a call promises that they survive. Here the compiler is told
// that they do not survive, and saves only the few that it still needs. Both sides hold the address of the pair in the
// same register (r15, x28), so it need not be stored and loaded. The next instruction, the load of the other stack
// pointer, does not wait for a register to be restored.
//
// Each use has an indirect jump of its own, and each `call` has its `ret`, so both are predicted well.
//
// A suspended side has the frame of cs_switch (switch_<cpu>.S), but only two registers are saved in it: those that a
// compiler may need to address its own frame (rbp and rbx, x29 and x19). The compiler's red zone lies above it. After
// the switch the stack pointer has its old value, so the unwind information is right there.
//
// Sources: as in switch_<cpu>.S; GCC manual, 6.47.2 (extended asm); corosensei, src/arch, for the idea.
#ifndef NURSERY_CSWITCH_PAIR_H
#define NURSERY_CSWITCH_PAIR_H

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

#ifdef __cplusplus
extern "C" {
#endif

// Two stacks that only switch to each other; one of them is suspended. Before the first cs_pair_enter, `inside` is the
// result of cs_prepare. Only cs_pair_enter and cs_pair_leave may continue a stack that they have suspended.
typedef struct cs_pair {
#if defined(__clang__)
  void *_Nullable outside;
  void *_Nullable inside;
#else
  void *outside, *inside;
#endif
} cs_pair;

#define CS_PAIR_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)

// 192 = the frame and a red zone of 128. Comparing the floating-point control state is explained in switch_x86_64.S.
#define CS_PAIR_SWITCH(save, target)                                                                                   \
  "leaq -192(%%rsp), %%rsp\n"                                                                                          \
  "leaq 1f(%%rip), %%rcx\n"                                                                                            \
  "stmxcsr (%%rsp)\n"                                                                                                  \
  "fnstcw 4(%%rsp)\n"                                                                                                  \
  "movq %%rbx, 40(%%rsp)\n"                                                                                            \
  "movq %%rbp, 48(%%rsp)\n"                                                                                            \
  "movq %%rcx, 56(%%rsp)\n"                                                                                            \
  "movl (%%rsp), %%r9d\n"                                                                                              \
  "movzwl 4(%%rsp), %%r8d\n"                                                                                           \
  "movq %%rsp, %%rax\n"                                                                                                \
  "movq " target "(%%r15), %%rsp\n"                                                                                    \
  "movq %%rax, " save "(%%r15)\n"                                                                                      \
  "xorl (%%rsp), %%r9d\n"                                                                                              \
  "xorw 4(%%rsp), %%r8w\n"                                                                                             \
  "movq 40(%%rsp), %%rbx\n"                                                                                            \
  "movq 48(%%rsp), %%rbp\n"                                                                                            \
  "testl $0xffffffc0, %%r9d\n"                                                                                         \
  "jne 4f\n"                                                                                                           \
  "2: testw %%r8w, %%r8w\n"                                                                                            \
  "jne 5f\n"                                                                                                           \
  "3: movq 56(%%rsp), %%rcx\n"                                                                                         \
  "leaq 192(%%rsp), %%rsp\n"                                                                                           \
  "jmpq *%%rcx\n"                                                                                                      \
  "4: ldmxcsr (%%rsp)\n"                                                                                               \
  "jmp 2b\n"                                                                                                           \
  "5: fldcw 4(%%rsp)\n"                                                                                                \
  "jmp 3b\n"                                                                                                           \
  "1:\n"

// Clang accepts the names of registers that this processor does not have. It needs them, because the function may be
// inlined into one that is compiled for another processor.
#if defined(__AVX512F__) || defined(__clang__)
#define CS_PAIR_CLOBBERS_512                                                                                           \
  , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27",        \
    "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define CS_PAIR_CLOBBERS_512
#endif

#define CS_PAIR(save, target, pair)                                                                                    \
  register cs_pair *held __asm__("r15") = pair;                                                                        \
  __asm__ volatile(CS_PAIR_SWITCH(save, target)                                                                        \
                   :                                                                                                   \
                   : "r"(held)                                                                                         \
                   : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",                 \
                     "cc", "memory", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "mm0", "mm1",\
                     "mm2", "mm3", "mm4", "mm5", "mm6", "mm7", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",         \
                     "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",                      \
                     "xmm15" CS_PAIR_CLOBBERS_512)

#elif defined(__aarch64__)

// 304 = the frame of 176 and a red zone of 128, which Darwin's compilers use.
#define CS_PAIR_SWITCH(save, target)                                                                                   \
  "sub sp, sp, #304\n"                                                                                                 \
  "adr x9, 1f\n"                                                                                                       \
  "mrs x10, fpcr\n"                                                                                                    \
  "str x19, [sp, #64]\n"                                                                                               \
  "stp x29, x9, [sp, #144]\n"                                                                                          \
  "str x10, [sp, #160]\n"                                                                                              \
  "ldr x12, [x28, #" target "]\n"                                                                                      \
  "mov x11, sp\n"                                                                                                      \
  "mov sp, x12\n"                                                                                                      \
  "str x11, [x28, #" save "]\n"                                                                                        \
  "ldr x11, [sp, #160]\n"                                                                                              \
  "ldr x19, [sp, #64]\n"                                                                                               \
  "ldp x29, x9, [sp, #144]\n"                                                                                          \
  "cmp x10, x11\n"                                                                                                     \
  "b.ne 3f\n"                                                                                                          \
  "2: add sp, sp, #304\n"                                                                                              \
  "br x9\n"                                                                                                            \
  "3: msr fpcr, x11\n"                                                                                                 \
  "b 2b\n"                                                                                                             \
  "1:\n"

// The scalable registers overlap v0-v31 but are wider.
#if defined(__ARM_FEATURE_SVE)
#define CS_PAIR_CLOBBERS_SVE                                                                                           \
  , "z0", "z1", "z2", "z3", "z4", "z5", "z6", "z7", "z8", "z9", "z10", "z11", "z12", "z13", "z14", "z15", "z16",       \
    "z17", "z18", "z19", "z20", "z21", "z22", "z23", "z24", "z25", "z26", "z27", "z28", "z29", "z30", "z31", "p0",     \
    "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", "p15"
#else
#define CS_PAIR_CLOBBERS_SVE
#endif

// x18 is an ordinary register unless the platform reserves it.
#if defined(__APPLE__) || defined(__ANDROID__)
#define CS_PAIR_CLOBBERS_X18
#else
#define CS_PAIR_CLOBBERS_X18 , "x18"
#endif

#define CS_PAIR(save, target, pair)                                                                                    \
  register cs_pair *held __asm__("x28") = pair;                                                                        \
  __asm__ volatile(CS_PAIR_SWITCH(save, target)                                                                        \
                   :                                                                                                   \
                   : "r"(held)                                                                                         \
                   : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",           \
                     "x14", "x15", "x16", "x17", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x30",        \
                     "cc", "memory", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",         \
                     "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",        \
                     "v25", "v26", "v27", "v28", "v29", "v30", "v31" CS_PAIR_CLOBBERS_X18 CS_PAIR_CLOBBERS_SVE)

#endif

// Suspends the outside and continues the inside; returns when the inside leaves.
//
// Not for sanitized builds: they call cs_switch on the two fields, from the first switch on.
CS_PAIR_INLINE void cs_pair_enter(cs_pair *pair) { CS_PAIR("0", "8", pair); }

// Suspends the inside and continues the outside; returns when the outside enters again.
CS_PAIR_INLINE void cs_pair_leave(cs_pair *pair) { CS_PAIR("8", "0", pair); }

#undef CS_PAIR
#undef CS_PAIR_SWITCH
#undef CS_PAIR_CLOBBERS_512
#undef CS_PAIR_CLOBBERS_SVE
#undef CS_PAIR_CLOBBERS_X18

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
