// Signals: a handler, which only touches atomics and an eventfd, notes them for any number of listeners.
//
// A handler may run at any time, on any thread that does not block the signal. So the list of listeners is changed
// under a lock but read without one, and handlers that are reading it are counted. After a listener is removed, the
// remover waits until no handler that may have seen it is running. Only then are the memory and the descriptor freed;
// the descriptor's number may be reused at once.
//
//     handler    inside += 1, reads the list, notes the signal, writes to the eventfd, inside -= 1
//     stop       removes the listener, waits for inside == 0, closes
//
// The wait is short, because a handler does not wait. The lock is only taken with all signals blocked. So no handler
// can interrupt the thread that waits for `inside == 0` and make it wait for itself.
//
// Sources: sigaction(2), signal-safety(7), eventfd(2).
#define _GNU_SOURCE
#include "../internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIGNAL_COUNT = 64 };

struct cs_listener {
  _Atomic(struct cs_listener *) next;
  _Atomic uint64_t signals;
  _Atomic uint64_t arrived;
  int descriptor;   // the handler's own duplicate of the eventfd, which only this file closes
  bool is_stopped;
};

static _Atomic(struct cs_listener *) first;
static atomic_int inside;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int users[SIGNAL_COUNT + 1];               // the number of listeners for each signal
static struct sigaction before[SIGNAL_COUNT + 1]; // the previous dispositions

static uint64_t bit(int signal) { return (uint64_t)1 << (signal - 1); }

static void note(int signal) {
  int saved = errno;
  atomic_fetch_add(&inside, 1);
  for (struct cs_listener *listener = atomic_load(&first); listener; listener = atomic_load(&listener->next)) {
    if (!(listener->signals & bit(signal))) continue;
    atomic_fetch_or(&listener->arrived, bit(signal));
    cs_eventfd_signal(listener->descriptor);
  }
  atomic_fetch_sub(&inside, 1);
  errno = saved;
}

static void enter(sigset_t *mask) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, mask);
  pthread_mutex_lock(&lock);
}

static void leave(const sigset_t *mask) {
  pthread_mutex_unlock(&lock);
  pthread_sigmask(SIG_SETMASK, mask, NULL);
}

static int catch_signal(int signal) {
  if (users[signal] > 0) {
    users[signal]++;
    return 0;
  }
  if (signal == cs_interrupt_signal_in_use() || signal == cs_sample_signal_in_use()) return -EBUSY;
  struct sigaction action = {.sa_flags = SA_RESTART | SA_ONSTACK};
  action.sa_handler = note;
  sigemptyset(&action.sa_mask);
  if (sigaction(signal, &action, &before[signal]) != 0) return -errno;
  users[signal] = 1;
  return 0;
}

static void release_signals(uint64_t signals) {
  for (int signal = 1; signal <= SIGNAL_COUNT; signal++) {
    if (!(signals & bit(signal)) || --users[signal] > 0) continue;
    // A handler that the program has installed meanwhile stays.
    struct sigaction now;
    if (sigaction(signal, NULL, &now) == 0 && now.sa_handler == note) sigaction(signal, &before[signal], NULL);
  }
}

static void unlink_listener(struct cs_listener *listener) {
  _Atomic(struct cs_listener *) *link = &first;
  while (atomic_load(link) != listener) link = &atomic_load(link)->next;
  atomic_store(link, atomic_load(&listener->next));
}

int cs_listener_open(uint64_t signals, cs_listener **listener, int *descriptor) {
  struct cs_listener *made = calloc(1, sizeof *made);
  if (made == NULL) return -ENOMEM;
  made->descriptor = cs_eventfd();
  *descriptor = made->descriptor < 0 ? made->descriptor : cs_status(fcntl(made->descriptor, F_DUPFD_CLOEXEC, 0));
  if (*descriptor < 0) {
    if (made->descriptor >= 0) cs_close(made->descriptor);
    free(made);
    return *descriptor;
  }
  sigset_t mask;
  enter(&mask);
  // The listener is linked first, so that it notes even the first signal.
  atomic_store(&made->signals, signals);
  atomic_store(&made->next, atomic_load(&first));
  atomic_store(&first, made);
  uint64_t caught = 0;
  int result = 0;
  for (int signal = 1; signal <= SIGNAL_COUNT && result == 0; signal++) {
    if (!(signals & bit(signal))) continue;
    result = catch_signal(signal);
    if (result != 0) continue;
    caught |= bit(signal);
    // If the program was started with the signal blocked, all its threads block it. At least one must not.
    sigdelset(&mask, signal);
  }
  atomic_store(&made->signals, caught);
  leave(&mask);
  if (result != 0) {
    cs_listener_stop(made);
    cs_listener_free(made);
    cs_close(*descriptor);
    return result;
  }
  *listener = made;
  return 0;
}

int cs_listener_take(cs_listener *listener, int descriptor) {
  for (;;) {
    uint64_t arrived = atomic_load(&listener->arrived);
    if (arrived == 0) {
      // A signal that arrives after the clearing makes the eventfd readable again. One that arrived before is found by
      // the second look.
      cs_eventfd_clear(descriptor);
      arrived = atomic_load(&listener->arrived);
      if (arrived == 0) return 0;
      cs_eventfd_signal(descriptor);
    }
    uint64_t lowest = arrived & -arrived;
    if (atomic_fetch_and(&listener->arrived, ~lowest) & lowest) return __builtin_ctzll(lowest) + 1;
  }
}

void cs_listener_stop(cs_listener *listener) {
  sigset_t mask;
  enter(&mask);
  bool is_first = !listener->is_stopped;
  if (is_first) {
    listener->is_stopped = true;
    release_signals(listener->signals);
    unlink_listener(listener);
    while (atomic_load(&inside) != 0) sched_yield();
  }
  leave(&mask);
  if (is_first) cs_close(listener->descriptor);
}

void cs_listener_free(cs_listener *listener) { free(listener); }
