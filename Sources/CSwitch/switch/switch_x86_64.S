// The switch for x86-64, System V ABI.
//
// A suspended stack holds, from its saved stack pointer upwards: MXCSR (4 bytes), x87 control word (2, then 2 unused),
// r15 r14 r13 r12 rbx rbp, return address. A fresh stack gets the same frame with the trampoline as return address,
// so starting and continuing are one code path.
//
// Floating-point control state is callee-saved too: the x87 word, and MXCSR without its six lowest bits, the exception
// flags. Both are compared and loaded only if they differ. On Zen 4 an unconditional load of MXCSR costs 0.6 ns a
// switch and a comparison first 2.2 ns. On an Intel server the load costs 35 ns as soon as the flags of the two stacks
// differ, and the comparison costs nothing.
//
// The return: `ret` is predicted by the return-address stack, which holds the address that *this* call came from. If
// both stacks were left at the same call site, that prediction is right, and the callers' own returns stay predicted.
// With two call sites it is always wrong, but an indirect jump, which is predicted by history, can be right. So the
// code compares the addresses and takes the one that fits.
//
// Sources: System V ABI, AMD64 supplement, 3.2.1 (callee-saved) and 3.2.3; DWARF 4, 6.4 (undefined return address
// ends a backtrace); boost.context, src/asm/jump_x86_64_sysv_elf_gas.S.
#if defined(__x86_64__)

#if defined(__APPLE__)  // not yet verified
#define SYMBOL(name) _##name
#define FUNCTION(name) .globl _##name
#define END(name)
#define WEAK(name) .globl _##name; .weak_definition _##name
#else
#define SYMBOL(name) name
#define FUNCTION(name) .globl name; .type name, @function
#define END(name) .size name, . - name
#define WEAK(name) .weak name; .type name, @function
#endif

  .text

// void cs_switch_raw(void **save, void *target)
// cs_switch is the same address, unless a sanitizer's version (sanitizers.c) takes the name.
  FUNCTION(cs_switch_raw)
  WEAK(cs_switch)
  .p2align 6
SYMBOL(cs_switch_raw):
SYMBOL(cs_switch):
  .cfi_startproc
  movq (%rsp), %rdx
  subq $56, %rsp
  .cfi_adjust_cfa_offset 56
  stmxcsr (%rsp)
  fnstcw 4(%rsp)
  movq %r15, 8(%rsp)
  movq %r14, 16(%rsp)
  movq %r13, 24(%rsp)
  movq %r12, 32(%rsp)
  movq %rbx, 40(%rsp)
  movq %rbp, 48(%rsp)
  .cfi_rel_offset %r15, 8
  .cfi_rel_offset %r14, 16
  .cfi_rel_offset %r13, 24
  .cfi_rel_offset %r12, 32
  .cfi_rel_offset %rbx, 40
  .cfi_rel_offset %rbp, 48
  movzwl 4(%rsp), %r8d
  movl (%rsp), %r9d

  // Leave the old stack before publishing it: after the store another thread may run on it, and a signal's frame must
  // not be written there. (A store is a release on this CPU.) Both stacks have the same frame here, so the unwind
  // information is valid on either.
  movq %rsp, %rax
  movq %rsi, %rsp
  movq %rax, (%rdi)

  xorl (%rsp), %r9d
  testl $0xffffffc0, %r9d
  jne 4f
5:
  xorw 4(%rsp), %r8w
  movq 8(%rsp), %r15
  movq 16(%rsp), %r14
  movq 24(%rsp), %r13
  movq 32(%rsp), %r12
  movq 40(%rsp), %rbx
  movq 48(%rsp), %rbp
  .cfi_restore %r15
  .cfi_restore %r14
  .cfi_restore %r13
  .cfi_restore %r12
  .cfi_restore %rbx
  .cfi_restore %rbp
  testw %r8w, %r8w
  jne 3f
1:
  movq 56(%rsp), %rcx
  cmpq %rcx, %rdx
  jne 2f
  .cfi_remember_state
  addq $56, %rsp
  .cfi_adjust_cfa_offset -56
  ret
2:
  .cfi_restore_state
  .cfi_remember_state
  .cfi_register %rip, %rcx
  addq $64, %rsp
  .cfi_adjust_cfa_offset -64
  jmpq *%rcx
3:
  .cfi_restore_state
  fldcw 4(%rsp)
  jmp 1b
4:
  ldmxcsr (%rsp)
  jmp 5b
  .cfi_endproc
  END(cs_switch_raw)

// The bottom frame of every stack: rbx = the address of the entry and its argument, rbp = 0 (ends a walk along frame
// pointers). Entry and argument are stored at the stack's beginning: a coroutine's switch (CSwitchPair.h) also comes
// here, restores fewer registers and leaves another stack pointer. The return address is declared undefined, which ends
// an unwind by tables. The leading nop is needed because unwinders look up the address before a return address.
  .p2align 4
SYMBOL(cs_start):
  .cfi_startproc
  .cfi_undefined %rip
  nop
.Lstart:
  movq %rbx, %rsp
  movq (%rbx), %rax
  movq 8(%rbx), %rdi
  callq *%rax
  ud2
  .cfi_endproc

// void cs_call_with_frame(void (*body)(void *), void *argument, const void *frame)
  FUNCTION(cs_call_with_frame)
  .p2align 4
SYMBOL(cs_call_with_frame):
  .cfi_startproc
  pushq %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbp, 0
  movq %rdx, %rbp
  movq %rdi, %rax
  movq %rsi, %rdi
  callq *%rax
  popq %rbp
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbp
  ret
  .cfi_endproc
  END(cs_call_with_frame)

// void *cs_prepare(void *top, void (*entry)(void *), void *argument)
// The stack begins with the default floating-point control state, because the preparing fiber need not be its parent.
  FUNCTION(cs_prepare)
  .p2align 4
SYMBOL(cs_prepare):
  .cfi_startproc
  andq $-16, %rdi
  subq $32, %rdi
  leaq -192(%rdi), %rax // so low that no switch that comes here leaves the stack pointer above it
  leaq .Lstart(%rip), %rcx
  movl $0x1f80, (%rax)  // MXCSR: round to nearest, all exceptions masked
  movl $0x037f, 4(%rax) // x87: the same, extended precision
  movq $0, 8(%rax)      // r15
  movq $0, 16(%rax)     // r14
  movq $0, 24(%rax)     // r13
  movq $0, 32(%rax)     // r12
  movq %rdi, 40(%rax)   // rbx
  movq $0, 48(%rax)     // rbp
  movq %rcx, 56(%rax)   // return address
  movq %rsi, (%rdi)
  movq %rdx, 8(%rdi)
  movq $0, 16(%rdi)     // some unwinders read this as the trampoline's return address
  movq $0, 24(%rdi)
  ret
  .cfi_endproc
  END(cs_prepare)

#endif

#if defined(__linux__) && defined(__ELF__)
  .section .note.GNU-stack, "", %progbits
#endif
