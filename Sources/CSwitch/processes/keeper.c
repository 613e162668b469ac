// The keeper of a child: a process of our own between us and the child, which owns everything that the child starts.
//
//     this process ---- keeper ---- child ---- ... whatever it starts
//          |  socket   |   |
//          +-----------+   +------- descendants whose parents have ended: they come to the keeper, and not to init
//
// A process group does not hold those who leave it, and parentage is lost when a parent ends: a program that forks
// twice and calls setsid(2) is found by neither. A *subreaper* (PR_SET_CHILD_SUBREAPER in prctl(2)) inherits the
// orphans among its descendants; so when it has no children left, the kernel itself says that nothing is left of the
// tree. To be one ourselves would change what the whole program sees: everybody's orphans would be ours to reap. Hence
// a process that does nothing else.
//
// It is made by clone(2) with our memory and without our descriptors, so it takes the time of a thread and two pages,
// however large we are. It never executes a program, and it runs on our memory beside us: hence no thread-local (not
// even errno), no library function and no lock in this file, and no instrumentation. It lives until the tree is empty,
// or until its socket is closed: then this process has gone, whatever way it went, and everything is killed.
//
// Its maker is the launcher (launcher.c), whose table of descriptors, of which it gets a copy, is empty but for a
// socket. The child's descriptors come over the channel, as its first messages.
//
//   * Nobody else can take its children's statuses, nor do SIGCHLD's handler and `wait` for any child in the program
//     matter: the keeper
//     itself is a child that sends no signal and that only __WALL finds.
//   * It reaps, so between its look at its children and its signal to them no number can be used again. That does not
//     hold for deeper
//     descendants. So each is looked at once more just before its signal: numbers are given out in turn, and would have to come round
//     in the few microseconds from there.
//
// The child is made with vfork semantics, and its failures are written into the memory that all three share. (Under an
// emulator that makes a fork of it, such a failure is an exit with status 127.)
//
// Sources: clone(2), vfork(2), prctl(2), signalfd(2), close_range(2), proc(5), credentials(7); glibc,
// sysdeps/unix/sysv/linux/spawni.c.
#define _GNU_SOURCE
#include "keeper.h"

#if defined(__linux__)

#include "raw.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

CS_ALONE_BEGIN

// MARK: The keeper's life

ALONE static void tell(cs_keeping *keeping, int kind, int value) {
  cs_news news;
  news.kind = kind;
  news.value = value;
  news.step = keeping->step;
  cs_raw6(SYS_sendto, keeping->channel, &news, sizeof news, MSG_NOSIGNAL, 0, 0);
}

ALONE static void end(void) {
  cs_raw1(SYS_exit_group, 0);
  __builtin_trap();
}

ALONE static void reap(cs_keeping *keeping) {
  for (;;) {
    int status;
    long process = cs_raw4(SYS_wait4, -1, &status, WNOHANG | __WALL, 0);
    if (process == -ECHILD) {
      tell(keeping, CS_NEWS_EMPTY, 0);
      end();
    }
    if (process <= 0) return;
    keeping->vain = 0;
    if (process == keeping->main) {
      keeping->main = 0;
      tell(keeping, CS_NEWS_EXITED, status);
    }
  }
}

ALONE static void kill_everything(cs_keeping *keeping) {
  cs_tree_outcome result = cs_signal_tree(keeping, SIGKILL);
  if (result.reached > 0) keeping->vain = 0;
  else keeping->vain++;
  // Who is left and found by nobody is hidden from us (hidepid in proc(5)), as others' processes may be.
  if (result.error == 0 && keeping->vain == CS_KILLS_IN_VAIN) result.error = EPERM;
  if (result.error == 0 || result.reached > 0) return;
  tell(keeping, CS_NEWS_REFUSED, result.error);
  end();
}

ALONE static void obey(cs_keeping *keeping) {
  for (;;) {
    int order[2];
    long count = cs_raw6(SYS_recvfrom, keeping->channel, order, sizeof order, MSG_DONTWAIT, 0, 0);
    if (count == -EAGAIN || count == -EINTR) return;
    // The end: we have gone, or asked for this.
    if (count != (long)sizeof order) {
      keeping->is_killing = true;
      return;
    }
    if (order[0] == CS_ORDER_SIGNAL && keeping->main != 0) cs_raw2(SYS_kill, keeping->main, order[1]);
    if (order[0] == CS_ORDER_SIGNAL_TREE) cs_signal_tree(keeping, order[1]);
  }
}

ALONE static void keep(cs_keeping *keeping) {
  for (;;) {
    reap(keeping);
    if (keeping->is_killing) kill_everything(keeping);
    struct pollfd sources[2];
    sources[0].fd = keeping->signals;
    sources[1].fd = keeping->channel;
    sources[0].events = sources[1].events = POLLIN;
    // Who is being killed may just have started somebody else.
    struct timespec pause;
    pause.tv_sec = 0;
    pause.tv_nsec = CS_KILL_PAUSE * 1000000;
    cs_raw5(SYS_ppoll, sources, keeping->is_killing ? 1 : 2, keeping->is_killing ? &pause : 0, 0, CS_SIGNAL_SET_SIZE);
    char *drain = keeping->listing;
    while (cs_raw3(SYS_read, keeping->signals, drain, sizeof keeping->listing) > 0) {}
    if (!keeping->is_killing) obey(keeping);
  }
}

// All but two; they may be the same.
ALONE static void leave_descriptors_but(unsigned low, unsigned high) {
  if (low > high) {
    unsigned lower = high;
    high = low;
    low = lower;
  }
  if (low > 0) cs_close_descriptors(0, low - 1);
  if (low < high) cs_close_descriptors(low + 1, high - 1);
  cs_close_descriptors(high + 1, ~0u);
}

// The child's descriptors, in their order, into `tree`. Zero or -errno.
ALONE static long receive_descriptors(cs_keeping *keeping) {
  struct cmsghdr *header = (struct cmsghdr *)keeping->listing;
  for (int count = 0; count < keeping->launch->count;) {
    char byte;
    struct iovec part;
    part.iov_base = &byte;
    part.iov_len = 1;
    struct msghdr message;
    message.msg_name = 0;
    message.msg_namelen = 0;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = header;
    message.msg_controllen = sizeof keeping->listing;
    message.msg_flags = 0;
    long result = cs_raw3(SYS_recvmsg, keeping->channel, &message, MSG_CMSG_CLOEXEC);
    if (result == -EINTR) continue;
    if (result < 0) return result;
    // What finds no number the kernel closes, and says so.
    if (message.msg_flags & MSG_CTRUNC || message.msg_controllen < CMSG_LEN(sizeof(int))) return -EMFILE;
    const int *numbers = (const int *)CMSG_DATA(header);
    int more = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (int i = 0; i < more; i++) keeping->tree[count++] = numbers[i];
  }
  return 0;
}

ALONE static void keeper_main(void *context) {
  cs_keeping *keeping = context;
  leave_descriptors_but((unsigned)keeping->channel, (unsigned)keeping->channel);
  // Out of the group that a terminal, or somebody who wants us all dead, sends signals to: the tree has to be seen to
  // then.
  cs_raw2(SYS_setpgid, 0, 0);
  cs_raw2(SYS_prctl, PR_SET_NAME, "nursery-keeper");
  long result = cs_raw2(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
  // Were it ignored, as it may be in this program, children would be reaped by nobody.
  cs_default_signal(SIGCHLD);
  volatile unsigned long child_signal = 1ul << (SIGCHLD - 1);
  if (result >= 0) result = cs_raw4(SYS_signalfd4, -1, &child_signal, CS_SIGNAL_SET_SIZE, O_NONBLOCK | O_CLOEXEC);
  keeping->step = CS_STEP_PROCESS;
  if (result >= 0) {
    keeping->signals = (int)result;
    keeping->step = CS_STEP_DESCRIPTORS;
    result = receive_descriptors(keeping);
  }
  if (result >= 0) {
    keeping->step = CS_STEP_PROCESS;
    char *top = keeping->child_stack + sizeof keeping->child_stack;
    result = cs_raw_clone(CLONE_VM | CLONE_VFORK | SIGCHLD, top, 0, cs_child_main, keeping);
  }
  if (result < 0) {
    keeping->error = (int)-result;
  }
  if (keeping->error != 0) {
    if (result > 0) cs_raw4(SYS_wait4, result, 0, __WALL, 0);
    tell(keeping, CS_NEWS_FAILED, keeping->error);
    end();
  }
  keeping->main = (int)result;
  keeping->launch = 0;
  leave_descriptors_but((unsigned)keeping->channel, (unsigned)keeping->signals);
  tell(keeping, CS_NEWS_STARTED, keeping->main);
  keep(keeping);
}

CS_ALONE_END

CS_UNSANITIZED int cs_keeper_start(cs_keeping *keeping, int channel) {
  keeping->channel = channel;
  char *top = keeping->stack + sizeof keeping->stack;
  long result = cs_raw_clone(CLONE_VM | CLONE_PARENT_SETTID, top, &keeping->keeper, keeper_main, keeping);
  return result < 0 ? (int)result : 0;
}

#endif
