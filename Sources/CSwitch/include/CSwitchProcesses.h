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

// Where a launch has failed.
enum {
  CS_STEP_PROCESS = 0,     // no process could be made
  CS_STEP_DESCRIPTORS = 1, // the descriptors could not be put in place
  CS_STEP_TERMINAL = 2,    // the terminal could not be made the controlling one
  CS_STEP_DIRECTORY = 3,   // the working directory could not be entered
  CS_STEP_PROGRAM = 4,     // the program could not be executed
};

// What a child is to be. All memory must stay valid during the launch; nothing of it is changed.
typedef struct cs_launch {
  const char *_Nonnull const *_Nonnull candidates;   // paths, tried in turn; a null at the end
  const char *_Nullable const *_Nonnull arguments;   // with the name first, and a null at the end
  const char *_Nullable const *_Nonnull environment; // all of it; a null at the end
  const char *_Nullable directory;                   // null: ours
  const int *sources;                                // our descriptors ...
  const int *targets;                                // ... and the child's numbers for them, ascending; it gets no others
  int count;                                         // at least 1
  int terminal;                                      // which of the targets becomes its controlling terminal; -1: none
} cs_launch;

// A child, the socket between its keeper and us, and what they share.
typedef struct cs_child {
  int channel;              // becomes readable when there is news
  int step;                 // where a launch has failed that has not begun
  void *_Nullable memory;
} cs_child;

// Begins to launch a child in a session or process group of its own, under a keeper: with default signal handling and
// no signal blocked. Returns 0 or -errno; the first news tells the outcome. Until then the launch must stay as it is,
// except for our descriptors: the child's copies exist when this returns. The first call waits until the launcher has
// started; while some 200 launches are queued, a call waits for one of them to be taken.
int cs_child_launch(const cs_launch *launch, cs_child *child);

// How many threads of ours make children: 1 after the first launch.
int cs_launcher_thread_count(void);

enum {
  CS_NEWS_STARTED = 1,  // the program has been executed: `value` is the process's number
  CS_NEWS_FAILED = 2,   // it has not: `value` is the errno, `step` what failed; nothing follows
  CS_NEWS_EXITED = 3,   // `value` is the status that wait(2) gives
  CS_NEWS_EMPTY = 4,    // nothing is left of the child or of anything it has started; nothing follows
  CS_NEWS_REFUSED = 5,  // what is left cannot be killed: `value` is the errno; nothing follows
};
typedef struct cs_news { int kind; int value; int step; } cs_news;
// 1 for news, 0 for the end (somebody has killed the keeper), -EAGAIN for none yet.
int cs_child_news(const cs_child *child, cs_news *news);

enum {
  CS_ORDER_SIGNAL = 1,       // to the child itself
  CS_ORDER_SIGNAL_TREE = 2,  // to the child and all its descendants
};
// Never blocks. -EAGAIN when too many orders are waiting to be obeyed, -EPIPE when there is nothing left.
int cs_child_order(const cs_child *child, int order, int signal);
// The last order, which always gets through: SIGKILL to everything, again and again until nothing is left. Never
// blocks.
void cs_child_kill_tree(const cs_child *child);

// Waits for the keeper and frees everything; when the channel has been closed, upon which the keeper kills what is
// left, and ends.
void cs_child_release(const cs_child *child);

// The process's environment; a null at the end. Not to be read while somebody changes it.
char *_Nullable *_Nullable cs_environment(void);

// MARK: Pipes and terminals

// Both ends close-on-exec and blocking.
int cs_process_pipe(int *reading, int *writing);
// A pseudo terminal: both sides close-on-exec, the first one non-blocking.
int cs_terminal_open(uint16_t rows, uint16_t columns, int *own, int *childs);
int cs_terminal_resize(int fd, uint16_t rows, uint16_t columns);

// MARK: Signals

// Somebody who wants to hear of signals.
typedef struct cs_listener cs_listener;

// Begins to catch the signals whose bits (1 << (number - 1)) are set. Returns 0 or -errno. `descriptor` becomes
// readable when there is something to take, and is the caller's to close, at any time.
int cs_listener_open(uint64_t signals, cs_listener *_Nullable *_Nonnull listener, int *descriptor);
// The lowest signal that has arrived since it was last taken, or 0.
int cs_listener_take(cs_listener *listener, int descriptor);
// Gives the signals that nobody else listens to back to who had them; any number of calls.
void cs_listener_stop(cs_listener *listener);
// The last thing that is done to a listener, which has been stopped.
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
