// What the launcher and the keeper of a child share: one block of memory, and one socket.
//
// See keeper.c.
#ifndef NURSERY_CSWITCH_KEEPER_H
#define NURSERY_CSWITCH_KEEPER_H

#include "internal.h"

#if defined(__linux__)

enum {
  CS_KEEPER_STACK = 16 << 10,
  CS_CHILD_STACK = 16 << 10,
  // Descendants that are signalled in one go. A larger tree takes several passes, and is only asked to end in part.
  CS_TREE_CAPACITY = 2048,
  // Looks at all processes before one of them. Who is missed then is found when killing is repeated.
  CS_TREE_PASSES = 4,
  // Milliseconds between two rounds of killing, and how many rounds may find nobody: about a second.
  CS_KILL_PAUSE = 5,
  CS_KILLS_IN_VAIN = 200,
};

typedef struct cs_keeping {
  const cs_launch *launch;
  int channel;    // the keeper's end of the socket
  int signals;    // its signalfd
  int main;       // the child itself, until it has been reaped
  int step;       // of the launch: what the child is at, and what it failed with
  int error;
  bool is_killing;
  int vain;       // how many times in a row nobody was found to be killed, though somebody is left
  int known;
  int tree[CS_TREE_CAPACITY];
  char listing[4096] __attribute__((aligned(16)));
  char text[512];
  char child_stack[CS_CHILD_STACK] __attribute__((aligned(16)));
  char stack[CS_KEEPER_STACK] __attribute__((aligned(16)));
} cs_keeping;

// For functions that run beside us on our memory: see keeper.c.
#if defined(__clang__)
#define CS_ALONE_BEGIN _Pragma("clang attribute push(__attribute__((no_stack_protector, no_builtin)), apply_to = function)")
#define CS_ALONE_END _Pragma("clang attribute pop")
#define ALONE __attribute__((noinline, disable_sanitizer_instrumentation))
#else
#define CS_ALONE_BEGIN
#define CS_ALONE_END
#define ALONE __attribute__((noinline, no_sanitize_address, no_sanitize_thread, optimize("no-tree-loop-distribute-patterns")))
#endif

enum { CS_SIGNAL_SET_SIZE = 8, CS_SIGNAL_COUNT = 64 };

#define CS_HIDDEN __attribute__((visibility("hidden")))  // called directly, without a stub of the linker

CS_HIDDEN void cs_default_signal(long signal);
CS_HIDDEN void cs_close_descriptors(unsigned first, unsigned last);
CS_HIDDEN void cs_child_main(void *context);

typedef struct cs_tree_outcome {
  int reached;  // how many have been signalled
  int error;    // why somebody could not be, or be found
} cs_tree_outcome;

CS_HIDDEN cs_tree_outcome cs_signal_tree(cs_keeping *keeping, int signal);

// Starts the keeper on its stack. All signals must be blocked. Returns its process number, or -errno.
int cs_keeper_start(cs_keeping *keeping);

#endif
#endif
