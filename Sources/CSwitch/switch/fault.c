// Reports which fiber has crashed, and passes the signal on to the previous handler.
//
// A fiber that overflows has no stack left for the handler, so each thread gets an alternate signal stack. Handlers
// that were installed before ours keep their signals: a sanitizer's, Swift's backtracer, or a runtime that recovers
// from its own faults. If such a runtime might recover, nothing is reported. A fault in a stack's guard is always
// reported, because no handler recovers from it.
//
// Sources: sigaltstack(2), sigaction(2), signal-safety(7); swift/stdlib/public/runtime/CrashHandlerLinux.cpp.
#define _GNU_SOURCE
#include "../internal.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { SIGNAL_STACK_SIZE = 64 * 1024 };

// Weak: plain C programs use this library without the Swift runtime.
extern void swift_beginAccess(void *pointer, void *buffer, uintptr_t flags, void *pc) __attribute__((weak));
// What main calls with an error that nothing catches. Only its address is used.
extern void swift_errorInMain(void) __attribute__((weak));
// More than its code takes.
enum { ERROR_IN_MAIN_SIZE = 1024 };

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT};
enum { SIGNALS = sizeof signals / sizeof *signals };

static cs_describe_fault reporter;
static struct sigaction previous[SIGNALS];
static bool previous_is_runtimes;

static void die_by_default(int number) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

static struct sigaction *previous_of(int number) {
  int index = 0;
  while (signals[index] != number) index++;
  return &previous[index];
}

// Whether the signal does not repeat when the handler returns: it was sent by kill(2) and the like, or came from a
// breakpoint.
static bool is_over(int number, siginfo_t *info) { return info->si_code <= 0 || number == SIGTRAP; }

static void pass_on(int number, siginfo_t *info, void *context) {
  struct sigaction *before = previous_of(number);
  if (before->sa_flags & SA_SIGINFO) {
    before->sa_sigaction(number, info, context);
  } else if (before->sa_handler == SIG_IGN && info->si_code <= 0) {
    return;
  } else if (before->sa_handler == SIG_DFL || before->sa_handler == SIG_IGN) {
    die_by_default(number);
    if (is_over(number, info)) raise(number);
  } else {
    before->sa_handler(number);
  }
}

static bool is_fatal(int number, siginfo_t *info) {
  struct sigaction *before = previous_of(number);
  if (before->sa_flags & SA_SIGINFO) return previous_is_runtimes;
  return before->sa_handler == SIG_DFL || (before->sa_handler == SIG_IGN && info->si_code > 0);
}

static void *stack_pointer(void *context) {
  ucontext_t *machine = context;
#if defined(__APPLE__) && defined(__x86_64__)  // not yet verified
  return (void *)machine->uc_mcontext->__ss.__rsp;
#elif defined(__APPLE__)  // not yet verified
  return (void *)machine->uc_mcontext->__ss.__sp;
#elif defined(__x86_64__)
  return (void *)machine->uc_mcontext.gregs[REG_RSP];
#else
  return (void *)machine->uc_mcontext.sp;
#endif
}

static uintptr_t frame_pointer(void *context) {
  ucontext_t *machine = context;
#if defined(__APPLE__) && defined(__x86_64__)  // not yet verified
  return machine->uc_mcontext->__ss.__rbp;
#elif defined(__APPLE__)  // not yet verified
  return machine->uc_mcontext->__ss.__fp;
#elif defined(__x86_64__)
  return (uintptr_t)machine->uc_mcontext.gregs[REG_RBP];
#else
  return machine->uc_mcontext.regs[29];
#endif
}

// Whether the runtime's function for an uncaught error is among the nearest callers.
static bool is_error_in_main(void *context) {
  uintptr_t start = (uintptr_t)&swift_errorInMain, frame[2], address = frame_pointer(context);
  if (start == 0) return false;
  for (int depth = 0; depth < 16; depth++) {
    if (cs_read_memory(frame, (const void *)address, sizeof frame) != 0) return false;
    // A call that does not return may be the last instruction.
    if (frame[1] - 1 - start < ERROR_IN_MAIN_SIZE) return true;
    if (frame[0] <= address) return false;
    address = frame[0];
  }
  return false;
}

// Only the first crash of the process is described. A crash during its description, or of another thread, is not.
static atomic_flag is_described = ATOMIC_FLAG_INIT;

// Returns whether a message was written.
static bool describe(int number, siginfo_t *info, void *context) {
  char message[4096];
  cs_fault fault = {.signal = number, .stack_pointer = stack_pointer(context), .is_fatal = is_fatal(number, info)};
  // Only a fault that the kernel detected has an address.
  if (info->si_code > 0) fault.address = info->si_addr;
  fault.is_error_in_main = fault.is_fatal && is_error_in_main(context);
  bool is_guard = (number == SIGSEGV || number == SIGBUS) && fault.address != NULL;
  if (!fault.is_fatal && !is_guard) return false;
  if (atomic_flag_test_and_set(&is_described)) return false;
  size_t length = reporter(&fault, message, sizeof message), done = 0;
  if (length == 0) atomic_flag_clear(&is_described);
  while (done < length) {
    ssize_t count = write(STDERR_FILENO, message + done, length - done);
    if (count > 0) done += (size_t)count;
    else if (count == 0 || errno != EINTR) break;
  }
  return length > 0;
}

static void on_fault(int number, siginfo_t *info, void *context) {
  int saved = errno;
  bool ends = describe(number, info, context);
  // The faulting instruction runs again and kills the process, so the core file has the true address.
  if (ends) die_by_default(number);
  pass_on(number, info, context);
  if (ends && is_over(number, info)) raise(number);
  errno = saved;
}

// Swift's backtracer has one handler for all signals, in the runtime's shared object.
static bool is_runtimes_handler(void) {
  Dl_info handler, runtime;
  for (int i = 0; i < SIGNALS; i++) {
    if (!(previous[i].sa_flags & SA_SIGINFO) || previous[i].sa_sigaction != previous[0].sa_sigaction) return false;
  }
  return &swift_beginAccess != NULL && dladdr((void *)previous[0].sa_sigaction, &handler) != 0 &&
         dladdr((void *)&swift_beginAccess, &runtime) != 0 && handler.dli_fbase == runtime.dli_fbase;
}

static int install_result;

static void install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_fault;
  // SA_NODEFER: a fault inside the handler should kill at once, and the chained handler may do its own masking.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  // The previous handlers are read first: ours may run, on another thread, before sigaction returns.
  for (int i = 0; i < SIGNALS; i++) {
    if (sigaction(signals[i], NULL, &previous[i]) != 0) install_result = -errno;
  }
  if (install_result != 0) return;
  previous_is_runtimes = is_runtimes_handler();
  for (int i = 0; i < SIGNALS; i++) {
    if (sigaction(signals[i], &action, NULL) != 0) install_result = -errno;
  }
}

int cs_install_fault_reporter(cs_describe_fault describe) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  cs_describe_fault none = NULL;
  // The first reporter stays, because the handler may already be using it.
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
