// The switch for arm64, AAPCS64.
//
// A suspended stack holds, from its saved stack pointer upwards (176 bytes): d8-d15, x19-x28, x29 (frame), x30 (link),
// FPCR, 8 bytes unused. A fresh stack gets the same frame with the trampoline as link, so starting and continuing are
// one code path. FPCR is always saved, but written only if it differs, because the write is slow.
//
// Sources: Procedure Call Standard for the Arm 64-bit Architecture, 6.1.1 and 6.1.2; DWARF 4, 6.4 (an undefined return
// address ends a backtrace). x18 belongs to the platform and is left alone.
#if defined(__aarch64__)

#if defined(__APPLE__)  // not yet verified
#define SYMBOL(name) _##name
#define FUNCTION(name) .globl _##name
#define END(name)
#define WEAK(name) .globl _##name %% .weak_definition _##name
#define LOCAL(name) L##name
#else
#define SYMBOL(name) name
#define FUNCTION(name) .globl name; .type name, %function
#define END(name) .size name, . - name
#define WEAK(name) .weak name; .type name, %function
#define LOCAL(name) .L##name
#endif

#define FRAME 176

  .text

// void cs_switch_raw(void **save, void *target)
// cs_switch is the same address, unless a sanitizer's version (sanitizers.c) takes the name.
  FUNCTION(cs_switch_raw)
  WEAK(cs_switch)
  .p2align 6
SYMBOL(cs_switch_raw):
SYMBOL(cs_switch):
  .cfi_startproc
  sub sp, sp, #FRAME
  .cfi_adjust_cfa_offset FRAME
  stp d8, d9, [sp, #0]
  stp d10, d11, [sp, #16]
  stp d12, d13, [sp, #32]
  stp d14, d15, [sp, #48]
  stp x19, x20, [sp, #64]
  stp x21, x22, [sp, #80]
  stp x23, x24, [sp, #96]
  stp x25, x26, [sp, #112]
  stp x27, x28, [sp, #128]
  stp x29, x30, [sp, #144]
  mrs x9, fpcr
  str x9, [sp, #160]
  .cfi_rel_offset x19, 64
  .cfi_rel_offset x20, 72
  .cfi_rel_offset x21, 80
  .cfi_rel_offset x22, 88
  .cfi_rel_offset x23, 96
  .cfi_rel_offset x24, 104
  .cfi_rel_offset x25, 112
  .cfi_rel_offset x26, 120
  .cfi_rel_offset x27, 128
  .cfi_rel_offset x28, 136
  .cfi_rel_offset x29, 144
  .cfi_rel_offset x30, 152
  .cfi_rel_offset d8, 0
  .cfi_rel_offset d9, 8
  .cfi_rel_offset d10, 16
  .cfi_rel_offset d11, 24
  .cfi_rel_offset d12, 32
  .cfi_rel_offset d13, 40
  .cfi_rel_offset d14, 48
  .cfi_rel_offset d15, 56

  // Leave the old stack before publishing it: after the store another thread may run on it, and a signal's frame must
  // not be written there. Release order: that thread must see the registers. Both stacks have the same frame here, so
  // the unwind information is valid on either.
  mov x10, sp
  mov sp, x1
  stlr x10, [x0]

  ldr x11, [sp, #160]
  ldp d8, d9, [sp, #0]
  ldp d10, d11, [sp, #16]
  ldp d12, d13, [sp, #32]
  ldp d14, d15, [sp, #48]
  ldp x19, x20, [sp, #64]
  ldp x21, x22, [sp, #80]
  ldp x23, x24, [sp, #96]
  ldp x25, x26, [sp, #112]
  ldp x27, x28, [sp, #128]
  ldp x29, x30, [sp, #144]
  cmp x9, x11
  b.ne 2f
1:
  add sp, sp, #FRAME
  .cfi_remember_state
  .cfi_adjust_cfa_offset -FRAME
  .cfi_restore x19
  .cfi_restore x20
  .cfi_restore x21
  .cfi_restore x22
  .cfi_restore x23
  .cfi_restore x24
  .cfi_restore x25
  .cfi_restore x26
  .cfi_restore x27
  .cfi_restore x28
  .cfi_restore x29
  .cfi_restore x30
  .cfi_restore d8
  .cfi_restore d9
  .cfi_restore d10
  .cfi_restore d11
  .cfi_restore d12
  .cfi_restore d13
  .cfi_restore d14
  .cfi_restore d15
  ret
2:
  .cfi_restore_state
  msr fpcr, x11
  b 1b
  .cfi_endproc
  END(cs_switch_raw)

// The bottom frame of every stack: x19 = the address of the entry and its argument, x29 = 0 (ends a walk along frame
// pointers). Entry and argument are stored at the stack's beginning: a coroutine's switch (CSwitchPair.h) also comes
// here, restores fewer registers and leaves another stack pointer. The link register is declared undefined, which ends
// an unwind by tables. The leading nop is needed because unwinders look up the address before a return address.
  .p2align 4
SYMBOL(cs_start):
  .cfi_startproc
  .cfi_undefined x30
  nop
LOCAL(start):
  mov sp, x19
  ldp x9, x0, [x19]
  blr x9
  brk #1
  .cfi_endproc

// void cs_call_with_frame(void (*body)(void *), void *argument, const void *frame)
  FUNCTION(cs_call_with_frame)
  .p2align 4
SYMBOL(cs_call_with_frame):
  .cfi_startproc
  stp x29, x30, [sp, #-16]!
  .cfi_adjust_cfa_offset 16
  .cfi_rel_offset x29, 0
  .cfi_rel_offset x30, 8
  mov x29, x2
  mov x9, x0
  mov x0, x1
  blr x9
  ldp x29, x30, [sp], #16
  .cfi_adjust_cfa_offset -16
  .cfi_restore x29
  .cfi_restore x30
  ret
  .cfi_endproc
  END(cs_call_with_frame)

// void *cs_prepare(void *top, void (*entry)(void *), void *argument)
// The stack begins with the default floating-point control state, because the preparing fiber need not be its parent.
  FUNCTION(cs_prepare)
  .p2align 4
SYMBOL(cs_prepare):
  .cfi_startproc
  and x9, x0, #-16
  sub x9, x9, #32
  sub x0, x9, #(FRAME + 128) // so low that no switch that comes here leaves the stack pointer above it
  stp xzr, xzr, [x0, #0]
  stp xzr, xzr, [x0, #16]
  stp xzr, xzr, [x0, #32]
  stp xzr, xzr, [x0, #48]
  stp x9, xzr, [x0, #64]    // x19
  stp xzr, xzr, [x0, #80]
  stp xzr, xzr, [x0, #96]
  stp xzr, xzr, [x0, #112]
  stp xzr, xzr, [x0, #128]
  adr x10, LOCAL(start)
  stp xzr, x10, [x0, #144]  // x29 = 0, x30 = trampoline
  stp xzr, xzr, [x0, #160]  // FPCR: round to nearest, no traps
  stp x1, x2, [x9]
  stp xzr, xzr, [x9, #16]   // a frame record of zeros for unwinders that read above the last frame
  ret
  .cfi_endproc
  END(cs_prepare)

#endif

#if defined(__linux__) && defined(__ELF__)
  .section .note.GNU-stack, "", %progbits
#endif
