// Tests that the switch preserves every callee-saved register.
//
// Fills every callee-saved register with a pattern, switches, and compares. The routine is called from assembly so that
// the compiler has no say in what is saved.
#include "CSwitch.h"

bool registers_survive(void);

enum { STACK = 64 * 1024 };

static void *plain_saved[2];

#if defined(__x86_64__)
__asm__(
  ".text\n.globl registers_survive_switch\n"
  // long registers_survive_switch(long seed, void **save, void *target, void (*routine)(void **, void *))
  "registers_survive_switch:\n"
  "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n  push %rdi\n"
  "  lea 1(%rdi), %rbp\n  lea 2(%rdi), %rbx\n  lea 3(%rdi), %r12\n"
  "  lea 4(%rdi), %r13\n  lea 5(%rdi), %r14\n  lea 6(%rdi), %r15\n"
  "  mov %rsi, %rdi\n  mov %rdx, %rsi\n  call *%rcx\n"
  "  mov (%rsp), %rdi\n"
  "  sub %rdi, %rbp\n  sub %rdi, %rbx\n  sub %rdi, %r12\n  sub %rdi, %r13\n  sub %rdi, %r14\n  sub %rdi, %r15\n"
  // Digits in base ten: 1, 2, 3, 4, 5, 6 if all registers survive.
  "  imul $10, %rbp, %rax\n  add %rbx, %rax\n  imul $10, %rax\n  add %r12, %rax\n  imul $10, %rax\n"
  "  add %r13, %rax\n  imul $10, %rax\n  add %r14, %rax\n  imul $10, %rax\n  add %r15, %rax\n"
  "  pop %rdi\n  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n  ret\n");
enum { EXPECTED = 123456 };
#else
__asm__(
  ".text\n.globl registers_survive_switch\n"
  "registers_survive_switch:\n"
  "  sub sp, sp, #176\n"
  "  stp x19, x20, [sp]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n  stp x25, x26, [sp, #48]\n"
  "  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n"
  "  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n  str x0, [sp, #160]\n"
  "  add x19, x0, #1\n  add x20, x0, #2\n  add x21, x0, #3\n  add x22, x0, #4\n  add x23, x0, #5\n"
  "  add x24, x0, #6\n  add x25, x0, #7\n  add x26, x0, #8\n  add x27, x0, #9\n  add x28, x0, #10\n"
  "  add x29, x0, #11\n"
  "  add x9, x0, #12\n  fmov d8, x9\n  add x9, x0, #13\n  fmov d9, x9\n  add x9, x0, #14\n  fmov d10, x9\n"
  "  add x9, x0, #15\n  fmov d11, x9\n  add x9, x0, #16\n  fmov d12, x9\n  add x9, x0, #17\n  fmov d13, x9\n"
  "  add x9, x0, #18\n  fmov d14, x9\n  add x9, x0, #19\n  fmov d15, x9\n"
  "  mov x0, x1\n  mov x1, x2\n  blr x3\n"
  "  ldr x10, [sp, #160]\n  mov x0, #0\n  mov x11, #0\n"
  ".macro check register, number\n"
  "  add x12, x10, #\\number\n  cmp \\register, x12\n  cset x13, ne\n  add x0, x0, x13\n"
  ".endm\n"
  "  check x19, 1\n  check x20, 2\n  check x21, 3\n  check x22, 4\n  check x23, 5\n  check x24, 6\n"
  "  check x25, 7\n  check x26, 8\n  check x27, 9\n  check x28, 10\n  check x29, 11\n"
  "  fmov x14, d8\n  check x14, 12\n  fmov x14, d9\n  check x14, 13\n  fmov x14, d10\n  check x14, 14\n"
  "  fmov x14, d11\n  check x14, 15\n  fmov x14, d12\n  check x14, 16\n  fmov x14, d13\n  check x14, 17\n"
  "  fmov x14, d14\n  check x14, 18\n  fmov x14, d15\n  check x14, 19\n"
  "  ldp x19, x20, [sp]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n  ldp x25, x26, [sp, #48]\n"
  "  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n"
  "  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n  add sp, sp, #176\n  ret\n");
enum { EXPECTED = 0 };
#endif

long registers_survive_switch(long seed, void **save, void *target, void (*routine)(void **, void *));
// The raw switch, which does not notify the sanitizers about this pair of stacks.
void cs_switch_raw(void **save, void *target);

static int plain_rounds;
static bool plain_good;

static void plain_entry(void *argument) {
  (void)argument;
  for (;;) {
    // Other patterns on this side, so that a register that is not saved shows.
    long result = registers_survive_switch(0x5a5a000000000000 + plain_rounds * 100, &plain_saved[1], plain_saved[0],
                                           cs_switch_raw);
    plain_good = plain_good && result == EXPECTED;
  }
}

__attribute__((no_sanitize("address"), no_sanitize("thread"))) bool registers_survive(void) {
  void *memory;
  if (cs_reserve(STACK, 0, &memory) != 0) return false;
  plain_saved[1] = cs_prepare((char *)memory + STACK, plain_entry, &plain_rounds);
  plain_good = true;
  for (plain_rounds = 1; plain_rounds <= 1000; plain_rounds++) {
    long result = registers_survive_switch(plain_rounds * 1000, &plain_saved[0], plain_saved[1], cs_switch_raw);
    plain_good = plain_good && result == EXPECTED;
  }
  cs_unreserve(memory, STACK);
  return plain_good;
}
