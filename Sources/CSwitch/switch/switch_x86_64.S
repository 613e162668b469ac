// The switch for x86-64, System V ABI.
//
// A suspended stack holds, from its saved stack pointer upwards: MXCSR (4 bytes), x87 control word (2, then 2 unused),
// r15 r14 r13 r12 rbx rbp, return address. A fresh stack gets the same frame with the trampoline as return address,
// so starting and continuing are one code path.
//
// Floating-point control state is callee-saved too: the x87 word, and of MXCSR all but its six lowest bits, which tell
// what happened and belong to nobody across a call. Both are compared and loaded only where they differ. Loading MXCSR
// without asking costs 0.6 ns a switch on Zen 4 and comparing it first 2.2; but on an Intel server it costs 35 as soon
// as one of two stacks has calculated and those lowest bits differ, and comparing is free there.
//
// The way out: `ret` is predicted by the stack of return addresses, which holds where *this* call came from. With one
// call site that is right, and so are the callers' own returns afterwards. With two it is wrong each time, and
// then an indirect jump, which is predicted by history, has a chance. So: compare, and take whichever fits.
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

  // Off the old stack first, then publish it: from the store on another thread may continue it, and a signal that came
  // in between would put its frame where that thread is running. (A store is a release on this CPU.)
  // Both stacks have the same frame here, so the unwind information holds on either.
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

// The bottom frame of every stack: rbx = where the entry and its argument lie, rbp = 0 (ends a walk along frame
// pointers). They lie where the stack begins, because not every switch that comes here restores the other registers,
// nor leaves the stack pointer at the same place (CSwitchPair.h). The return address is declared undefined, which ends
// an unwind by tables. The leading nop is there because unwinders look up the address before a return address.
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

// void *cs_prepare(void *top, void (*entry)(void *), void *argument)
// The stack begins with the default floating-point control state: its preparer is whoever happens to run, not its
// parent.
  FUNCTION(cs_prepare)
  .p2align 4
SYMBOL(cs_prepare):
  .cfi_startproc
  andq $-16, %rdi
  subq $32, %rdi
  leaq -192(%rdi), %rax // so far below that the stack pointer is never above, whichever switch comes here
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
  movq $0, 16(%rdi)     // what a careless unwinder takes for the trampoline's return address
  movq $0, 24(%rdi)
  ret
  .cfi_endproc
  END(cs_prepare)

#endif

#if defined(__linux__) && defined(__ELF__)
  .section .note.GNU-stack, "", %progbits
#endif
