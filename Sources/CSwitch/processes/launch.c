// A child, from its creation until it executes its program.
//
// It runs on this program's memory, while the keeper that has made it waits as in vfork(2). The rules of keeper.c
// apply.
//
// Sources: vfork(2), close_range(2), execve(2), execvp(3), ioctl_tty(2), sched_setattr(2), capset(2); glibc,
// sysdeps/unix/sysv/linux/spawni.c.
#define _GNU_SOURCE
#include "keeper.h"

#if defined(__linux__)

#include "raw.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#if !defined(SYS_close_range)
#define SYS_close_range 436
#endif

CS_ALONE_BEGIN

enum { EXIT_OF_FAILED_LAUNCH = 127 };

ALONE static void fail(cs_keeping *keeping, int step, long result) {
  keeping->step = step;
  keeping->error = (int)-result;
  cs_raw1(SYS_exit_group, EXIT_OF_FAILED_LAUNCH);
  __builtin_trap();
}

ALONE void cs_default_signal(long signal) {
  // Handler, flags, restorer, mask: all zero, whatever their order.
  volatile long action[4];
  for (int i = 0; i < 4; i++) action[i] = 0;
  cs_raw4(SYS_rt_sigaction, signal, action, 0, CS_SIGNAL_SET_SIZE);
}

ALONE void cs_close_descriptors(unsigned first, unsigned last) {
  if (first > last || cs_raw3(SYS_close_range, first, last, 0) == 0) return;
  // Linux before 5.9.
  struct rlimit limit;
  if (cs_raw4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit) != 0) limit.rlim_cur = 1024;
  for (unsigned fd = first; fd <= last && fd < limit.rlim_cur; fd++) cs_raw1(SYS_close, fd);
}

// Moves the received descriptors to their targets: first to numbers above all targets, then into place. The child gets
// no others.
ALONE static void place_descriptors(cs_keeping *keeping) {
  const cs_launch *launch = keeping->launch;
  int above = launch->targets[launch->count - 1] + 1;
  int *copies = keeping->tree;
  for (int i = 0; i < launch->count; i++) {
    long copy = cs_raw3(SYS_fcntl, copies[i], F_DUPFD, above);
    if (copy < 0) fail(keeping, CS_STEP_DESCRIPTORS, copy);
    copies[i] = (int)copy;
  }
  unsigned next = 0;
  for (int i = 0; i < launch->count; i++) {
    long result = cs_raw3(SYS_dup3, copies[i], launch->targets[i], 0);
    if (result < 0) fail(keeping, CS_STEP_DESCRIPTORS, result);
    if (launch->targets[i] > 0) cs_close_descriptors(next, (unsigned)launch->targets[i] - 1);
    next = (unsigned)launch->targets[i] + 1;
  }
  cs_close_descriptors(next, ~0u);
}

// MARK: Traits of the launching thread

enum { CAPABILITY_VERSION = 0x20080522 };

ALONE static bool read_capabilities(cs_capabilities *capabilities) {
  volatile struct { uint32_t version; int32_t thread; } header;
  header.version = CAPABILITY_VERSION;
  header.thread = 0;
  return cs_raw2(SYS_capget, &header, capabilities) == 0;
}

// Reads the calling thread's traits.
ALONE void cs_read_traits(cs_thread_traits *traits) {
  traits->scheduling.size = sizeof traits->scheduling;
  traits->has_scheduling =
      cs_raw4(SYS_sched_getattr, 0, &traits->scheduling, sizeof traits->scheduling, 0) == 0;
  long size = cs_raw3(SYS_sched_getaffinity, 0, sizeof traits->processors, traits->processors);
  traits->processors_size = size > 0 ? size : 0;
  traits->has_capabilities = read_capabilities(&traits->capabilities);
  traits->has_no_new_privileges = cs_raw5(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

// Gives the child the traits that it would have inherited if the launching thread had made it. A change that is not
// permitted is left out, so the child gains no privilege.
ALONE static void apply_traits(cs_thread_traits *wanted, cs_thread_traits *own) {
  cs_read_traits(own);
  cs_scheduling *now = &own->scheduling, *then = &wanted->scheduling;
  if (wanted->has_scheduling && own->has_scheduling &&
      (now->policy != then->policy || now->nice != then->nice || now->priority != then->priority))
    cs_raw3(SYS_sched_setattr, 0, then, 0);
  bool is_same = wanted->processors_size == own->processors_size;
  for (long i = 0; is_same && i < own->processors_size / (long)sizeof(long); i++)
    is_same = wanted->processors[i] == own->processors[i];
  if (!is_same && wanted->processors_size > 0)
    cs_raw3(SYS_sched_setaffinity, 0, wanted->processors_size, wanted->processors);
  if (wanted->timer_slack > 0) cs_raw5(SYS_prctl, PR_SET_TIMERSLACK, wanted->timer_slack, 0, 0, 0);
  if (wanted->has_no_new_privileges) cs_raw5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (!wanted->has_capabilities || !own->has_capabilities) return;
  bool is_less = false;
  for (int i = 0; i < 2; i++) {
    uint32_t *have = &own->capabilities.halves[i].effective, *may = &wanted->capabilities.halves[i].effective;
    for (int set = 0; set < 3; set++) {
      is_less = is_less || (have[set] & ~may[set]) != 0;
      have[set] &= may[set];
    }
  }
  volatile struct { uint32_t version; int32_t thread; } header;
  header.version = CAPABILITY_VERSION;
  header.thread = 0;
  if (is_less) cs_raw2(SYS_capset, &header, &own->capabilities);
}

// MARK: The program

// Tries the paths as a shell does: a missing file is skipped, and a file that may not be executed is remembered.
ALONE static void execute(cs_keeping *keeping) {
  const cs_launch *launch = keeping->launch;
  long result = -ENOENT;
  bool is_forbidden = false;
  for (int i = 0; launch->candidates[i] != 0; i++) {
    result = cs_raw3(SYS_execve, launch->candidates[i], launch->arguments, launch->environment);
    if (result == -EACCES) is_forbidden = true;
    else if (result != -ENOENT && result != -ENOTDIR) break;
  }
  if (is_forbidden && (result == -ENOENT || result == -ENOTDIR)) result = -EACCES;
  fail(keeping, CS_STEP_PROGRAM, result);
}

ALONE void cs_child_main(void *context) {
  cs_keeping *keeping = context;
  const cs_launch *launch = keeping->launch;
  for (long signal = 1; signal <= CS_SIGNAL_COUNT; signal++) cs_default_signal(signal);
  // If the keeper is killed, at least the child itself ends with it.
  cs_raw2(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (launch->terminal >= 0) cs_raw0(SYS_setsid);
  else cs_raw2(SYS_setpgid, 0, 0);
  place_descriptors(keeping);
  // This memory is not used for anything else until the child has been made.
  _Static_assert(sizeof keeping->listing >= sizeof(cs_thread_traits), "no room");
  apply_traits(&keeping->traits, (cs_thread_traits *)keeping->listing);
  if (launch->terminal >= 0) {
    long result = cs_raw3(SYS_ioctl, launch->terminal, TIOCSCTTY, 0);
    if (result < 0) fail(keeping, CS_STEP_TERMINAL, result);
  }
  if (launch->directory != 0) {
    long result = cs_raw1(SYS_chdir, launch->directory);
    if (result < 0) fail(keeping, CS_STEP_DIRECTORY, result);
  }
  volatile long none = 0;
  cs_raw4(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, CS_SIGNAL_SET_SIZE);
  execute(keeping);
}

CS_ALONE_END

#endif
