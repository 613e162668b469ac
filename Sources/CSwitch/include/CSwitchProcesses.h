#ifndef NURSERY_CSWITCH_PROCESSES_H
#define NURSERY_CSWITCH_PROCESSES_H

#include <stdint.h>
#include <sys/types.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#else
#define _Nullable
#define _Nonnull
#endif

#ifdef __cplusplus
extern "C" {
#endif

// MARK: Children

// The step at which a launch failed.
enum {
  CS_STEP_PROCESS = 0,     // no process could be made
  CS_STEP_DESCRIPTORS = 1, // the descriptors could not be put in place
  CS_STEP_TERMINAL = 2,    // the terminal could not be made the controlling one
  CS_STEP_DIRECTORY = 3,   // the working directory could not be entered
  CS_STEP_PROGRAM = 4,     // the program could not be executed
};

// Describes a child. All memory must stay valid during the launch and is not changed.
typedef struct cs_launch {
  const char *_Nonnull const *_Nonnull candidates;   // paths, tried in turn; a null at the end
  const char *_Nullable const *_Nonnull arguments;   // with the name first, and a null at the end
  const char *_Nullable const *_Nonnull environment; // all of it; a null at the end
  const char *_Nullable directory;                   // null: this process's
  const int *sources;                                // this process's descriptors ...
  const int *targets;                                // ... and the child's numbers for them, ascending
  int count;                                         // at least 1
  int terminal;                                      // the target that becomes its controlling terminal; -1: none
} cs_launch;

// A child, the socket to its keeper, and the memory shared with the keeper.
typedef struct cs_child {
  int channel;              // becomes readable when there is news
  int step;                 // the step at which a launch failed before it began
  void *_Nullable memory;
} cs_child;

// Begins to launch a child under a keeper, in a session or process group of its own, with default signal handling and
// no signal blocked. Returns 0 or -errno; the first news tells the outcome. Until then the launch must not change. The
// source descriptors may be closed when this returns, because the child has copies by then. The first call waits until
// the launcher has started; while some 200 launches are queued, a call waits for one of them to be taken.
int cs_child_launch(const cs_launch *launch, cs_child *child);

// How many launcher threads there are: 1 after the first launch.
int cs_launcher_thread_count(void);

enum {
  CS_NEWS_STARTED = 1,  // the program has been executed: `value` is the process's number
  CS_NEWS_FAILED = 2,   // it has not: `value` is the errno, `step` the step that failed; nothing follows
  CS_NEWS_EXITED = 3,   // `value` is the status that wait(2) gives
  CS_NEWS_EMPTY = 4,    // the child and all its descendants have ended; nothing follows
  CS_NEWS_REFUSED = 5,  // the remaining processes cannot be killed: `value` is the errno; nothing follows
};
typedef struct cs_news { int kind; int value; int step; } cs_news;
// Returns 1 for news, 0 for the end (the keeper was killed), -EAGAIN for no news yet.
int cs_child_news(const cs_child *child, cs_news *news);

enum {
  CS_ORDER_SIGNAL = 1,       // to the child itself
  CS_ORDER_SIGNAL_TREE = 2,  // to the child and all its descendants
};
// Never blocks. -EAGAIN if too many orders are queued, -EPIPE if no process is left.
int cs_child_order(const cs_child *child, int order, int signal);
// The last order, which never fails: SIGKILL to all processes, repeated until none is left. Never blocks.
void cs_child_kill_tree(const cs_child *child);

// Waits for the keeper and frees everything. The channel must be closed before: the keeper then kills the remaining
// processes and ends.
void cs_child_release(const cs_child *child);

// The process's environment; a null at the end. Must not be read while another thread changes it.
char *_Nullable *_Nullable cs_environment(void);

// MARK: Pipes and terminals

// Makes a pipe; both ends are close-on-exec and blocking.
int cs_process_pipe(int *reading, int *writing);
// Makes a pseudo terminal; both sides are close-on-exec, the first one is non-blocking.
int cs_terminal_open(uint16_t rows, uint16_t columns, int *own, int *childs);
int cs_terminal_resize(int fd, uint16_t rows, uint16_t columns);

// MARK: Signals

// Receives signals.
typedef struct cs_listener cs_listener;

// Begins to catch the signals with set bits (1 << (number - 1)). Returns 0 or -errno. `descriptor` becomes readable
// when a signal can be taken. The caller closes it, at any time.
int cs_listener_open(uint64_t signals, cs_listener *_Nullable *_Nonnull listener, int *descriptor);
// The lowest signal that has arrived since it was last taken, or 0.
int cs_listener_take(cs_listener *listener, int descriptor);
// Restores the previous disposition of each signal that has no other listener. May be called repeatedly.
void cs_listener_stop(cs_listener *listener);
// Frees a listener, which must have been stopped.
void cs_listener_free(cs_listener *listener);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#else
#undef _Nullable
#undef _Nonnull
#endif
#endif
