// The block of memory and the socket that the launcher and the keeper of a child share.
//
// See launcher.c and keeper.c.
#ifndef NURSERY_CSWITCH_KEEPER_H
#define NURSERY_CSWITCH_KEEPER_H

#include "../internal.h"

#if defined(__linux__)

enum {
  CS_KEEPER_STACK = 16 << 10,
  CS_CHILD_STACK = 16 << 10,
  // Descendants that are signalled in one pass. Killing a larger tree takes several passes; another signal reaches only
  // a part of it.
  CS_TREE_CAPACITY = 2048,
  // Scans of all processes before one pass of signals. A process that is missed is found when killing is repeated.
  CS_TREE_PASSES = 4,
  // Milliseconds between two rounds of killing, and how many rounds in a row may reach no process: about a second.
  CS_KILL_PAUSE = 5,
  CS_EMPTY_ROUNDS = 200,
};

enum { CS_PROCESSOR_WORDS = 64 };

// The kernel's struct sched_attr, in its first version.
typedef struct cs_scheduling {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
} cs_scheduling;

// What capget(2) fills, in its third version.
typedef struct cs_capabilities { struct { uint32_t effective, permitted, inheritable; } halves[2]; } cs_capabilities;

// Traits that a child inherits from the launching thread, not from the process.
typedef struct cs_thread_traits {
  cs_scheduling scheduling;
  bool has_scheduling;
  unsigned long processors[CS_PROCESSOR_WORDS];
  long processors_size;  // bytes; 0 if unknown
  cs_capabilities capabilities;
  bool has_capabilities;
  bool has_no_new_privileges;
  long timer_slack;  // nanoseconds; 0 for a real-time thread
} cs_thread_traits;

typedef struct cs_keeping {
  const cs_launch *launch;
  cs_thread_traits traits;
  int keeper;     // its process number, written by the kernel before the keeper runs; 0 if there is none
  int channel;    // the keeper's end of the socket
  int signals;    // its signalfd
  int main;       // the child itself, until it has been reaped
  int step;       // of the launch: the step that the child is doing, and its error
  int error;
  bool is_killing;
  int empty_rounds;  // rounds of killing in a row that reached no process, although one is left
  int known;
  int tree[CS_TREE_CAPACITY];
  char listing[4096] __attribute__((aligned(16)));
  char text[512];
  char child_stack[CS_CHILD_STACK] __attribute__((aligned(16)));
  char stack[CS_KEEPER_STACK] __attribute__((aligned(16)));
} cs_keeping;

// For functions that run in another process on shared memory: see keeper.c.
#if defined(__clang__)
#define CS_ALONE_BEGIN \
  _Pragma("clang attribute push(__attribute__((no_stack_protector, no_builtin)), apply_to = function)")
#define CS_ALONE_END _Pragma("clang attribute pop")
#define ALONE __attribute__((noinline, disable_sanitizer_instrumentation))
#else
#define CS_ALONE_BEGIN
#define CS_ALONE_END
#define ALONE \
  __attribute__((noinline, no_sanitize_address, no_sanitize_thread, optimize("no-tree-loop-distribute-patterns")))
#endif

enum { CS_SIGNAL_SET_SIZE = 8, CS_SIGNAL_COUNT = 64 };

#define CS_HIDDEN __attribute__((visibility("hidden")))  // called directly, without a stub of the linker

CS_HIDDEN void cs_default_signal(long signal);
CS_HIDDEN void cs_close_descriptors(unsigned first, unsigned last);
CS_HIDDEN void cs_child_main(void *context);

typedef struct cs_tree_outcome {
  int reached;  // how many have been signalled
  int error;    // why a process could not be signalled, or processes not be listed
} cs_tree_outcome;

CS_HIDDEN cs_tree_outcome cs_signal_tree(cs_keeping *keeping, int signal);

CS_HIDDEN void cs_read_traits(cs_thread_traits *traits);

// Starts the keeper on its stack, with this end of its socket. All signals must be blocked. Returns 0 or -errno. From
// then on the block belongs to the keeper and the launching side.
CS_HIDDEN int cs_keeper_start(cs_keeping *keeping, int channel);

#endif
#endif
