// A child, between its making and its program.
//
// It runs on the memory of this program while the keeper, which has made it, waits for it as vfork(2) does: the rules are those
// of keeper.c.
//
// Sources: vfork(2), close_range(2), execve(2), execvp(3), ioctl_tty(2); glibc, sysdeps/unix/sysv/linux/spawni.c.
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

// Any permutation: first copies above all targets, then these to their places; and nothing else.
ALONE static void place_descriptors(cs_keeping *keeping) {
  const cs_launch *launch = keeping->launch;
  int above = launch->targets[launch->count - 1] + 1;
  int *copies = keeping->tree;
  for (int i = 0; i < launch->count; i++) {
    long copy = cs_raw3(SYS_fcntl, launch->sources[i], F_DUPFD, above);
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

// Tries the paths as a shell does: what is not there is passed by, and what may not be executed is remembered.
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
  // Should somebody kill the keeper, at least the child itself is not left behind.
  cs_raw2(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (launch->terminal >= 0) cs_raw0(SYS_setsid);
  else cs_raw2(SYS_setpgid, 0, 0);
  place_descriptors(keeping);
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
