// Threads, and the per-thread pointer.
//
// Sources: pthread_create(3), pthread_getattr_np(3), sched_getaffinity(2), cgroups(7),
// Documentation/admin-guide/cgroup-v2.rst (cpu.max).
#define _GNU_SOURCE
#include "../internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

// MARK: The per-thread pointer

#if defined(__x86_64__) && defined(__ELF__)
// Read by name in the header.
_Thread_local __attribute__((tls_model("initial-exec"))) void *cs_thread_word;
#else
CS_THREAD_LOCAL void *cs_thread_word;
CS_NOINLINE void *cs_thread_pointer(void) { return cs_thread_word; }
#endif
CS_THREAD_LOCAL bool armed;  // whether the key's destructor will run when this thread ends
static void (*_Atomic destructor)(void *);
static pthread_key_t end_key;
static pthread_once_t end_key_once = PTHREAD_ONCE_INIT;

static void thread_ends(void *unused) {
  (void)unused;
  void *pointer = cs_thread_word;
  void (*destroy)(void *) = destructor;
  cs_thread_word = NULL;
  armed = false;  // a destructor that sets the pointer again gets another round
  if (pointer && destroy) destroy(pointer);
}

static void make_end_key(void) {
  // The process has used up its keys. Without one, each thread's end would silently leak what its pointer owns.
  if (pthread_key_create(&end_key, thread_ends) != 0) abort();
}

CS_NOINLINE void cs_set_thread_pointer(void *pointer) {
  cs_thread_word = pointer;
  if (pointer == NULL || armed) return;
  pthread_once(&end_key_once, make_end_key);
  armed = pthread_setspecific(end_key, &end_key) == 0;
}

void cs_set_thread_pointer_destructor(void (*destroy)(void *)) { destructor = destroy; }

CS_NOINLINE cs_held *cs_held_locks(void) {
  CS_THREAD_LOCAL cs_held held;
  return &held;
}

// MARK: Threads

typedef struct start {
  void *(*body)(void *);
  void *argument;
  char name[16];
} start;

static void *run(void *context) {
  start copy = *(start *)context;
  free(context);
#if defined(__APPLE__)  // not yet verified
  pthread_setname_np(copy.name);
#else
  pthread_setname_np(pthread_self(), copy.name);
#endif
  return copy.body(copy.argument);
}

int cs_thread_start(const char *name, void *(*body)(void *), void *argument, uintptr_t *thread) {
  start *context = malloc(sizeof *context);
  if (context == NULL) return -ENOMEM;
  context->body = body;
  context->argument = argument;
  snprintf(context->name, sizeof context->name, "%s", name);

  // Asynchronous signals are for the program's own threads. The new thread inherits the mask, so it gets none from its
  // first instruction on. SIGPROF stays open: profilers sample each thread with it, and Swift's crash reporter stops
  // threads with it to show them. (The reporter prefers SIGUSR1 and SIGUSR2, but programs wait for these on a thread of
  // their choice.)
  static const int synchronous[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (size_t i = 0; i < sizeof synchronous / sizeof *synchronous; i++) sigdelset(&blocked, synchronous[i]);
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  if (!sigismember(&before, SIGPROF)) sigdelset(&blocked, SIGPROF);
  pthread_sigmask(SIG_SETMASK, &blocked, NULL);
  pthread_t created;
  int result = pthread_create(&created, NULL, run, context);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (result != 0) {
    free(context);
    return -result;
  }
  *thread = (uintptr_t)created;
  return 0;
}

void cs_thread_rename(const char *name) {
#if defined(__linux__)
  prctl(PR_SET_NAME, name, 0, 0, 0);
#else
  (void)name;
#endif
}

#if defined(__linux__)

enum { SHARP = 1000 };
// What threads had before the first one was sharpened.
static _Atomic long usual_slack;

long cs_timers_sharpen(void) {
  long before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  // A real-time thread has none.
  if (before <= SHARP) return 0;
  usual_slack = before;
  prctl(PR_SET_TIMERSLACK, SHARP, 0, 0, 0);
  return before;
}

void cs_timers_relax(long before) {
  if (before > 0) prctl(PR_SET_TIMERSLACK, before, 0, 0, 0);
}

long cs_timers_slack(void) {
  long now = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  return now == SHARP && usual_slack != 0 ? usual_slack : now;
}

#else

long cs_timers_sharpen(void) { return 0; }
void cs_timers_relax(long before) { (void)before; }
long cs_timers_slack(void) { return 0; }

#endif

int cs_thread_join(uintptr_t thread) { return -pthread_join((pthread_t)thread, NULL); }

int cs_thread_detach(uintptr_t thread) { return -pthread_detach((pthread_t)thread); }

void cs_thread_yield(void) { sched_yield(); }

#if defined(__linux__)

int cs_thread_count(void) {
  char text[1024];
  int fd = cs_open("/proc/self/stat", O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  ssize_t length = cs_read(fd, text, sizeof text - 1);
  cs_close(fd);
  if (length < 0) return (int)length;
  text[length] = 0;
  // The second field is the program's name in parentheses, which may hold anything; the count is the twentieth.
  char *field = strrchr(text, ')');
  for (int number = 2; field != NULL && number < 20; number++) field = strchr(field + 1, ' ');
  int count = field == NULL ? 0 : atoi(field);
  return count > 0 ? count : -ENOSYS;
}

#else

int cs_thread_count(void) { return -ENOSYS; }

#endif

uintptr_t cs_this_thread(void) { return (uintptr_t)pthread_self(); }

uint32_t cs_user(void) { return geteuid(); }

int64_t cs_thread_time(int task) {
#if defined(__APPLE__)  // not yet verified
  (void)task;
  return -ENOSYS;
#else
  // The clock of a thread by its number, as the kernel numbers clocks (include/linux/posix-timers.h).
  // pthread_getcpuclockid would read the memory of a thread that may have ended.
  clockid_t clock = (clockid_t)(~(unsigned)task << 3 | 6);
  struct timespec time;
  if (task <= 0) return -ESRCH;
  if (clock_gettime(clock, &time) != 0) return -errno;
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
#endif
}

int cs_thread_stack(void **bottom, size_t *size) {
#if defined(__APPLE__)  // not yet verified
  *size = pthread_get_stacksize_np(pthread_self());
  *bottom = (char *)pthread_get_stackaddr_np(pthread_self()) - *size;
  return 0;
#else
  pthread_attr_t attributes;
  int result = pthread_getattr_np(pthread_self(), &attributes);
  if (result != 0) return -result;
  result = pthread_attr_getstack(&attributes, bottom, size);
  pthread_attr_destroy(&attributes);
  return -result;
#endif
}
