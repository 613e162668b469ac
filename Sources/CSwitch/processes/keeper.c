// The keeper of a child: a helper process between this process and the child. It owns everything that the child starts.
//
//     this process ---- keeper ---- child ---- ... descendants
//          |  socket   |   |
//          +-----------+   +------- descendants whose parents have ended: their new parent is the keeper, not init
//
// A process can leave its process group, and parentage is lost when a parent ends. So neither finds a program that
// forks twice and calls setsid(2). A *subreaper* (PR_SET_CHILD_SUBREAPER in prctl(2)) becomes the parent of orphans
// among its descendants. When it has no children left, the tree is certainly empty. If this process were a subreaper,
// it would have to reap the orphans of all its children, also of children that other code started. So a separate
// process does it.
//
// The keeper is made by clone(2) with this process's memory and without its descriptors. So it costs as much time as a
// thread, and two pages, however large this process is. It never executes a program, and runs in shared memory. So this
// file uses no thread-local (not even errno), no library function, no lock and no instrumentation. The keeper lives
// until the tree is empty, or until its socket is closed. A closed socket means that this process has ended in some
// way; the keeper then kills everything.
//
// The launcher (launcher.c) makes the keeper. The keeper gets a copy of the launcher's descriptor table, which holds
// only a socket. The child's descriptors arrive as the first messages on the channel.
//
//   * No other code can take its children's statuses. The program's SIGCHLD handler and its `wait` for any child do not
//     interfere: the keeper itself is a child that sends no signal and that only __WALL finds.
//   * Only the keeper reaps, so no number of a child of its own can be reused between finding the child and signalling
//     it. Numbers of deeper descendants can. So each of these is checked once more just before its signal. The kernel
//     assigns numbers in turn, so all of them would have to be used within those few microseconds.
//
// The child is made with vfork semantics, and writes its failures into the memory that all three share. (An emulator
// may turn vfork into fork; then such a failure is an exit with status 127.)
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

// MARK: The keeper's loop

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
    keeping->empty_rounds = 0;
    if (process == keeping->main) {
      keeping->main = 0;
      tell(keeping, CS_NEWS_EXITED, status);
    }
  }
}

ALONE static void kill_everything(cs_keeping *keeping) {
  cs_tree_outcome result = cs_signal_tree(keeping, SIGKILL);
  if (result.reached > 0) keeping->empty_rounds = 0;
  else keeping->empty_rounds++;
  // A survivor that cannot be found is hidden (hidepid in proc(5)), and likely another user's process.
  if (result.error == 0 && keeping->empty_rounds == CS_EMPTY_ROUNDS) result.error = EPERM;
  if (result.error == 0 || result.reached > 0) return;
  tell(keeping, CS_NEWS_REFUSED, result.error);
  end();
}

ALONE static void obey(cs_keeping *keeping) {
  for (;;) {
    int order[2];
    long count = cs_raw6(SYS_recvfrom, keeping->channel, order, sizeof order, MSG_DONTWAIT, 0, 0);
    if (count == -EAGAIN || count == -EINTR) return;
    // The end of the stream: the other process has ended, or asks for the end.
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
    // A process that is being killed may just have started another one.
    struct timespec pause;
    pause.tv_sec = 0;
    pause.tv_nsec = CS_KILL_PAUSE * 1000000;
    cs_raw5(SYS_ppoll, sources, keeping->is_killing ? 1 : 2, keeping->is_killing ? &pause : 0, 0, CS_SIGNAL_SET_SIZE);
    char *drain = keeping->listing;
    while (cs_raw3(SYS_read, keeping->signals, drain, sizeof keeping->listing) > 0) {}
    if (!keeping->is_killing) obey(keeping);
  }
}

// Closes all descriptors but two, which may be the same.
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

// Receives the child's descriptors, in their order, into `tree`. Returns 0 or -errno.
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
    // If there is no free number, the kernel closes the descriptor and sets MSG_CTRUNC.
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
  // Leaves this process's group, so that a terminal's signal, or one to the whole group, does not end the keeper before
  // the tree.
  cs_raw2(SYS_setpgid, 0, 0);
  cs_raw2(SYS_prctl, PR_SET_NAME, "nursery-keeper");
  long result = cs_raw2(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
  // If it were ignored, as it may be in this program, the kernel would discard the children's statuses.
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
