// Interrupts blocked system calls of this library on another thread.
//
// A signal makes a blocked call return EINTR, but only if it arrives inside the call. A signal that arrives just before
// the call is lost. So a kernel timer repeats the signal to that thread, until the thread leaves and deletes the timer.
//
//     thread     enter: registers itself, unblocks the signal -> calls; once marked, each ends at EINTR
//                -> leave: deletes the timer, blocks the signal
//     another    raise: sets the mark; if the thread has entered, signals it and starts the timer
//
// Both sides hold the lock, so a thread is never signalled after it has left. The signal's handler does nothing. If a
// signal is still pending when the thread leaves, it stays blocked. When the thread next enters, that signal interrupts
// a call that is not marked, and the call is restarted.
//
// Sources: signal(7) (Interruption of system calls), timer_create(2) (SIGEV_THREAD_ID), pthread_kill(3).
#define _GNU_SOURCE
#include "../internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#if !defined(sigev_notify_thread_id)
#define sigev_notify_thread_id _sigev_un._tid
#endif
#endif

struct cs_interruption {
  pthread_mutex_t lock;
  atomic_bool is_raised;
  bool is_entered;
  pthread_t thread;
#if defined(__linux__)
  pid_t id;
  timer_t timer;
  bool has_timer;
#endif
};

CS_THREAD_LOCAL atomic_bool *raised;  // the mark of the thread's current calls

static atomic_int number;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void ignore(int signal) { (void)signal; }

// (qemu's user mode lets a program handle the highest four, and refuses to send them.)
int cs_claim_signal(const struct sigaction *action) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  int chosen = 0;
#if defined(__linux__)
  pthread_mutex_lock(&lock);
  for (int candidate = SIGRTMAX - 1; candidate > SIGRTMIN && chosen == 0; candidate--) {
    struct sigaction found;
    if (sigaction(candidate, NULL, &found) != 0 || found.sa_handler != SIG_DFL) continue;
    sigaction(candidate, action, NULL);
    if (pthread_kill(pthread_self(), candidate) == 0)
      chosen = candidate;
    else
      sigaction(candidate, &found, NULL);
  }
  pthread_mutex_unlock(&lock);
#else
  (void)action, (void)lock;
#endif
  return chosen;
}

static void choose(void) {
  // Without SA_RESTART, so that the signal interrupts the call.
  struct sigaction action = {.sa_flags = SA_ONSTACK};
  action.sa_handler = ignore;
  sigemptyset(&action.sa_mask);
  int chosen = cs_claim_signal(&action);
  if (chosen == 0) {
    chosen = SIGURG;
    sigaction(chosen, &action, NULL);
  }
  number = chosen;
}

int cs_interrupt_signal_in_use(void) { return number; }

static void mask(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, number);
  pthread_sigmask(how, &signals, NULL);
}

CS_NOINLINE bool cs_is_interrupted(void) { return raised != NULL && atomic_load(raised); }

cs_interruption *cs_interruption_make(void) {
  // Before any thread can raise it: without a number no signal is sent, and no timer made.
  pthread_once(&once, choose);
  cs_interruption *made = calloc(1, sizeof *made);
  if (made == NULL) abort();
  pthread_mutex_init(&made->lock, NULL);
  return made;
}

void cs_interruption_free(cs_interruption *interruption) {
  pthread_mutex_destroy(&interruption->lock);
  free(interruption);
}

CS_NOINLINE bool cs_interruption_enter(cs_interruption *interruption) {
  pthread_mutex_lock(&interruption->lock);
  bool enters = !atomic_load(&interruption->is_raised);
  if (enters) {
    interruption->is_entered = true;
    interruption->thread = pthread_self();
#if defined(__linux__)
    interruption->id = (pid_t)syscall(SYS_gettid);
#endif
    raised = &interruption->is_raised;
  }
  pthread_mutex_unlock(&interruption->lock);
  if (enters) mask(SIG_UNBLOCK);
  return enters;
}

CS_NOINLINE void cs_interruption_leave(cs_interruption *interruption) {
  pthread_mutex_lock(&interruption->lock);
  interruption->is_entered = false;
#if defined(__linux__)
  if (interruption->has_timer) timer_delete(interruption->timer);
  interruption->has_timer = false;
#endif
  raised = NULL;
  pthread_mutex_unlock(&interruption->lock);
  mask(SIG_BLOCK);
}

void cs_interruption_raise(cs_interruption *interruption) {
  pthread_mutex_lock(&interruption->lock);
  bool is_first = !atomic_exchange(&interruption->is_raised, true);
  if (is_first && interruption->is_entered) {
#if defined(__linux__)
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = number};
    event.sigev_notify_thread_id = interruption->id;
    if (timer_create(CLOCK_MONOTONIC, &event, &interruption->timer) == 0) {
      enum { FIRST = 1000000, REPEATED = 10000000 };  // nanoseconds
      struct itimerspec times = {.it_value.tv_nsec = FIRST, .it_interval.tv_nsec = REPEATED};
      interruption->has_timer = true;
      timer_settime(interruption->timer, 0, &times, NULL);
    }
#endif
    pthread_kill(interruption->thread, number);
  }
  pthread_mutex_unlock(&interruption->lock);
}
