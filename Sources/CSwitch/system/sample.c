// Takes the stack of a thread that runs.
//
// A signal interrupts the thread, and its handler copies the registers and the stack. There is one request at a time,
// in static memory, so a signal that arrives late, or that another process has sent, finds nothing to do:
//
//     asker     the lock; writes the request; idle -> asked; signals; waits --> taken -> idle, copies the sample
//                                                                \-- too late: asked -> idle
//     handler   asked, and of this thread -> taking; takes the sample -> taken
//
// The word of the phase counts the requests too, so a late handler cannot take the next one for its own.
//
// A signal ends some calls early whatever its flags (signal(7)), such as nanosleep and poll. So a thread that sleeps in
// a call that is not known to go on is not signalled. The kernel says where its stack pointer is, and not more.
//
// Sources: sigaction(2), signal(7), signal-safety(7), proc_pid_syscall(5), proc_pid_status(5).
#define _GNU_SOURCE
#include "../internal.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#if defined(__linux__) && !defined(CS_ADDRESS_SANITIZER) && !defined(CS_THREAD_SANITIZER)
#define CS_CAN_SAMPLE 1
#endif

int cs_this_task(void) {
#if defined(__linux__)
  return (int)syscall(SYS_gettid);
#else
  return 0;
#endif
}

bool cs_follows_call(uintptr_t address) {
#if defined(__x86_64__)
  unsigned char code[8];
  if (address < sizeof code) return false;
  if (cs_read_memory(code, (const void *)(address - sizeof code), sizeof code) != 0) return false;
  if (code[3] == 0xe8) return true;
  // Through a register or memory: ff /2, two to seven bytes.
  for (size_t length = 2; length <= 7; length++) {
    const unsigned char *call = code + sizeof code - length;
    if (call[0] == 0xff && (call[1] >> 3 & 7) == 2) return true;
  }
  return false;
#else
  uint32_t code;
  if (address % 4 != 0 || address < 4) return false;
  if (cs_read_memory(&code, (const void *)(address - 4), sizeof code) != 0) return false;
  // BL and BLR.
  return code >> 26 == 0x25 || (code & 0xfffffc1f) == 0xd63f0000;
#endif
}

bool cs_find_symbol(uintptr_t address, cs_symbol *symbol) {
  Dl_info found;
  if (dladdr((void *)address, &found) == 0 || found.dli_fname == NULL) return false;
  const char *slash = strrchr(found.dli_fname, '/');
  symbol->image = slash == NULL ? found.dli_fname : slash + 1;
  symbol->name = found.dli_sname;
  symbol->start = (uintptr_t)found.dli_saddr;
  return true;
}

// Weak: plain C programs use this library without the Swift runtime.
extern char *swift_demangle(const char *name, size_t length, char *buffer, size_t *size, uint32_t flags)
    __attribute__((weak));

char *cs_demangled(const char *name) {
  return &swift_demangle == NULL ? NULL : swift_demangle(name, strlen(name), NULL, NULL, 0);
}

#if defined(CS_CAN_SAMPLE)

enum { IDLE, ASKED, TAKING, TAKEN, PHASES };

static int number;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static _Atomic uint32_t phase;  // and PHASES times the number of the request
static _Atomic(pthread_t) asked;
static const void *_Atomic first, *_Atomic second;
static cs_sample taken;

// Copies words of the stack from `start` on, and says how many. The page above may be a guard.
static size_t copy_words(uintptr_t start, uintptr_t end, uintptr_t *words, size_t most) {
  size_t wanted = end > start && (end - start) / sizeof *words < most ? (end - start) / sizeof *words : most, count = 0;
  while (count < wanted) {
    uintptr_t from = start + count * sizeof *words, page = cs_page_size();
    size_t left = (page - from % page) / sizeof *words, part = wanted - count < left ? wanted - count : left;
    if (part == 0 || cs_read_memory(words + count, (const void *)from, part * sizeof *words) != 0) break;
    count += part;
  }
  return count;
}

static void follow_frames(cs_sample *sample, uintptr_t address) {
  uintptr_t frame[2];
  while (sample->frame_count < CS_SAMPLE_FRAMES && address >= sample->stack_pointer && address % sizeof address == 0) {
    if (cs_read_memory(frame, (const void *)address, sizeof frame) != 0 || frame[1] == 0) break;
    sample->frames[sample->frame_count++] = frame[1];
    if (frame[0] <= address) break;
    address = frame[0];
  }
}

static void take(cs_sample *sample, const ucontext_t *machine) {
  uintptr_t frame, *words = sample->words;
  size_t most = CS_SAMPLE_WORDS;
#if defined(__x86_64__)
  sample->instruction = (uintptr_t)machine->uc_mcontext.gregs[REG_RIP];
  sample->stack_pointer = (uintptr_t)machine->uc_mcontext.gregs[REG_RSP];
  frame = (uintptr_t)machine->uc_mcontext.gregs[REG_RBP];
#else
  sample->instruction = machine->uc_mcontext.pc;
  sample->stack_pointer = machine->uc_mcontext.sp;
  frame = machine->uc_mcontext.regs[29];
  *words++ = machine->uc_mcontext.regs[30];
  most--;
#endif
  sample->frame_count = 0;
  follow_frames(sample, frame);
  sample->word_count = (size_t)(words - sample->words) + copy_words(sample->stack_pointer, frame, words, most);
}

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  int saved = errno;
  uint32_t now = atomic_load(&phase);
  if (now % PHASES == ASKED && pthread_equal(atomic_load(&asked), pthread_self()) &&
      atomic_compare_exchange_strong(&phase, &now, now + (TAKING - ASKED))) {
    taken.first_mark = *(const volatile uintptr_t *)atomic_load(&first);
    taken.second_mark = *(const volatile uintptr_t *)atomic_load(&second);
    take(&taken, context);
    atomic_store(&phase, now + (TAKEN - ASKED));
    cs_futex_wake((const uint32_t *)&phase, 1);
  }
  errno = saved;
}

static void choose(void) {
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  action.sa_sigaction = on_signal;
  sigfillset(&action.sa_mask);
  number = cs_claim_signal(&action);
}

int cs_sample_signal_in_use(void) { return number; }

static bool mask(int how) {
  sigset_t signals, before;
  sigemptyset(&signals);
  sigaddset(&signals, number);
  pthread_sigmask(how, &signals, &before);
  return sigismember(&before, number) == 1;
}

bool cs_sample_admit(void) {
  pthread_once(&once, choose);
  return number != 0 && mask(SIG_UNBLOCK);
}

void cs_sample_refuse(void) { mask(SIG_BLOCK); }

// MARK: What the kernel says of the thread

static bool read_about(int task, const char *file, char *text, size_t capacity) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/%s", task, file);
  int fd = cs_open(path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  ssize_t length = cs_read(fd, text, capacity - 1);
  cs_close(fd);
  text[length < 0 ? 0 : length] = 0;
  return length > 0;
}

static bool is_blocked(int task) {
  char text[4096];
  if (!read_about(task, "status", text, sizeof text)) return false;
  const char *line = strstr(text, "\nSigBlk:");
  return line != NULL && (strtoull(line + 8, NULL, 16) >> (number - 1) & 1) != 0;
}

// Whether a call that waits goes on after a signal's handler with SA_RESTART. (Of calls on sockets that is not so, if
// they have a timeout.)
static bool goes_on(long call) {
  switch (call) {
    case SYS_futex: case SYS_flock: case SYS_fcntl: case SYS_wait4: case SYS_waitid: case SYS_fsync: case SYS_fdatasync:
      return true;
    default: return false;
  }
}

// Whether the thread sleeps in a call that a signal may end; then the sample is what is known of it.
static bool sleeps(int task, cs_sample *sample) {
  char text[256], again[256];
  if (!read_about(task, "syscall", text, sizeof text)) return false;
  strcpy(again, text);
  char *rest;
  long call = strtol(text, &rest, 10);
  // "running", or -1: stopped, but in no call.
  if (rest == text || call < 0 || goes_on(call)) return false;
  char *instruction = strrchr(text, ' ');
  if (instruction == NULL) return false;
  *instruction++ = 0;
  char *stack_pointer = strrchr(text, ' ');
  if (stack_pointer == NULL) return false;
  sample->instruction = strtoull(instruction, NULL, 16);
  sample->stack_pointer = strtoull(stack_pointer + 1, NULL, 16);
  sample->frame_count = 0;
  sample->word_count = copy_words(sample->stack_pointer, 0, sample->words, CS_SAMPLE_WORDS);
  // A thread that has woken meanwhile may have changed its stack.
  if (!read_about(task, "syscall", text, sizeof text) || strcmp(text, again) != 0) sample->word_count = 0;
  return true;
}

// MARK: The request

// Waits until the request has been taken; withdraws it if that does not come to be in time.
static bool await(uint32_t request, int64_t nanoseconds) {
  int64_t end = cs_monotonic_now() + nanoseconds;
  for (;;) {
    uint32_t now = atomic_load(&phase);
    if (now == request + (TAKEN - ASKED)) return true;
    int64_t left = end - cs_monotonic_now();
    // The handler waits for nothing.
    if (left > 0 || now != request) cs_futex_wait((const uint32_t *)&phase, now, left > 0 ? left : 1000000);
    else if (atomic_compare_exchange_strong(&phase, &now, request - ASKED)) return false;
  }
}

int cs_sample_thread(uintptr_t thread, int task, const void *first_mark, const void *second_mark, int64_t nanoseconds,
                     cs_sample *sample) {
  if (number == 0) return -ENOSYS;
  if (sleeps(task, sample)) {
    sample->first_mark = __atomic_load_n((const uintptr_t *)first_mark, __ATOMIC_ACQUIRE);
    sample->second_mark = __atomic_load_n((const uintptr_t *)second_mark, __ATOMIC_ACQUIRE);
    return 0;
  }
  pthread_mutex_lock(&lock);
  uint32_t request = atomic_load(&phase) / PHASES * PHASES + PHASES + ASKED;
  atomic_store(&asked, (pthread_t)thread);
  atomic_store(&first, first_mark);
  atomic_store(&second, second_mark);
  atomic_store(&phase, request);
  int result = -pthread_kill((pthread_t)thread, number);
  bool is_taken = await(request, result == 0 ? nanoseconds : 0);
  if (is_taken) {
    memcpy(sample, &taken, sizeof taken);
    atomic_store(&phase, request - ASKED);
  } else if (result == 0) {
    // Not asked before: while its handler runs, each thread blocks the signal.
    result = is_blocked(task) ? -EPERM : -ETIMEDOUT;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

#else

bool cs_sample_admit(void) { return false; }
void cs_sample_refuse(void) {}
int cs_sample_signal_in_use(void) { return 0; }

int cs_sample_thread(uintptr_t thread, int task, const void *first_mark, const void *second_mark, int64_t nanoseconds,
                     cs_sample *sample) {
  (void)thread, (void)task, (void)first_mark, (void)second_mark, (void)nanoseconds, (void)sample;
  return -ENOSYS;
}

#endif
