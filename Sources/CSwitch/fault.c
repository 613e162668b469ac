// Turns a fault in a stack's guard into a message, and passes every other fault on.
//
// The handler needs a stack of its own (the faulting one is full), so each thread gets an alternate signal stack.
// Handlers that were there before us (a sanitizer's, the Swift runtime's backtracer) keep all faults that are not ours.
//
// Sources: sigaltstack(2), sigaction(2), signal-safety(7).
#define _GNU_SOURCE
#include "internal.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIGNAL_STACK_SIZE = 64 * 1024 };

static cs_describe_fault reporter;
static struct sigaction previous_segv, previous_bus;

static void die_by_default(int number) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

static void pass_on(int number, siginfo_t *info, void *context) {
  struct sigaction *previous = number == SIGSEGV ? &previous_segv : &previous_bus;
  bool sent = info->si_code <= 0;  // by kill(2) and the like: it will not repeat when we return
  if (previous->sa_flags & SA_SIGINFO) {
    previous->sa_sigaction(number, info, context);
  } else if (previous->sa_handler == SIG_IGN && sent) {
    return;
  } else if (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN) {
    die_by_default(number);
    if (sent) raise(number);
  } else {
    previous->sa_handler(number);
  }
}

static void on_fault(int number, siginfo_t *info, void *context) {
  int saved = errno;
  char message[4096];
  // Only a fault that the kernel found has an address.
  size_t length = info->si_code > 0 ? reporter(info->si_addr, message, sizeof message) : 0;
  if (length == 0) {
    pass_on(number, info, context);
  } else {
    size_t done = 0;
    while (done < length) {
      ssize_t count = write(STDERR_FILENO, message + done, length - done);
      if (count > 0) done += (size_t)count;
      else if (count == 0 || errno != EINTR) break;
    }
    // Back at the faulting instruction the same fault kills the process, with the true address in the core file.
    die_by_default(number);
  }
  errno = saved;
}

static int install_result;

static void install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  // Not deferred: a fault inside the handler should kill at once, and the chained handler may do its own masking.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  // The previous handlers are read first: ours may run, on another thread, before sigaction returns.
  if (sigaction(SIGSEGV, NULL, &previous_segv) != 0 || sigaction(SIGBUS, NULL, &previous_bus) != 0 ||
      sigaction(SIGSEGV, &action, NULL) != 0 || sigaction(SIGBUS, &action, NULL) != 0) {
    install_result = -errno;
  }
}

int cs_install_fault_reporter(cs_describe_fault describe) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  cs_describe_fault none = NULL;
  // The first reporter stays: the handler may already be using it.
  __atomic_compare_exchange_n(&reporter, &none, describe, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
  pthread_once(&once, install);
  return install_result;
}

static pthread_key_t signal_stack_key;
static int signal_stack_key_result;
static void make_signal_stack_key(void);

int cs_install_signal_stack(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  stack_t current;
  if (sigaltstack(NULL, &current) != 0) return -errno;
  if (!(current.ss_flags & SS_DISABLE)) return 0;
  pthread_once(&once, make_signal_stack_key);
  if (signal_stack_key_result != 0) return signal_stack_key_result;

  size_t guard = cs_page_size();
  void *reserved = NULL;
  int result = cs_reserve(guard + SIGNAL_STACK_SIZE, 0, &reserved);
  if (result != 0) return result;
  result = cs_guard(reserved, guard);
  if (result == 0) {
    stack_t stack = {.ss_sp = (char *)reserved + guard, .ss_size = SIGNAL_STACK_SIZE, .ss_flags = 0};
    result = cs_status(sigaltstack(&stack, NULL));
  }
  if (result == 0) result = -pthread_setspecific(signal_stack_key, reserved);
  if (result != 0) cs_unreserve(reserved, guard + SIGNAL_STACK_SIZE);
  return result;
}

static void free_signal_stack(void *reserved) {
  size_t guard = cs_page_size();
  stack_t current;
  if (sigaltstack(NULL, &current) == 0 && current.ss_sp == (char *)reserved + guard) {
    stack_t none = {.ss_sp = NULL, .ss_size = 0, .ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
  }
  cs_unreserve(reserved, guard + SIGNAL_STACK_SIZE);
}

static void make_signal_stack_key(void) {
  signal_stack_key_result = -pthread_key_create(&signal_stack_key, free_signal_stack);
}
