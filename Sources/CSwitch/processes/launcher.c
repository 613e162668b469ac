// The launcher: the thread that makes the keepers of children. It has a descriptor table of its own, which holds only
// its socket.
//
//     worker --- the launch, the keeper's end of its channel ---> launcher --- clone ---> keeper --- clone ---> child
//        |                                                                                  |
//        +------------------- channel: the child's descriptors (SCM_RIGHTS) ----------------+
//
// A new process gets a copy of its maker's descriptor table. While that copy lives, a descriptor that is closed here
// stays open there: a program that has just been written cannot be executed (ETXTBSY), a closed port accepts, a FIFO
// does not end. No system call makes a process without such a copy: close_range(2) with CLOSE_RANGE_UNSHARE copies the
// first 64 descriptors before it closes them, and execve(2) also unshares by copying. So there is only one copy in this
// process's life: when the launcher starts. The launcher closes all of it before it takes the first launch. From then
// on no launch holds a descriptor that it was not given. A caller's descriptors are sent to the keeper alone.
//
// The launcher is a thread, not a helper process. So credentials, limits, directory, root, umask, cgroup and system
// call filters are the process's at the moment of the launch. The C library's setuid(3) affects the launcher too. Each
// thread's own traits (scheduling, processors, capabilities, no_new_privs) are read on the launching thread, and the
// child applies them. Namespaces are those of the thread that launched first.
//
// If neither close_range(2) nor unshare(2) is allowed, the launcher shares the process's table, and each keeper begins
// by closing its copy.
//
// Sources: unshare(2), close_range(2), clone(2), cmsg(3), unix(7); Linux, fs/file.c (dup_fd, sane_fdtable_size).
#define _GNU_SOURCE
#include "keeper.h"

#if defined(__linux__)

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if !defined(SYS_close_range)
#define SYS_close_range 436
#endif
#if !defined(CLOSE_RANGE_UNSHARE)
#define CLOSE_RANGE_UNSHARE 2
#endif

// Linux's limit for one message (SCM_MAX_FD).
enum { DESCRIPTORS_IN_MESSAGE = 253 };

enum { STARTING, APART, SHARING };

static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
static uint32_t state;
// The socket to which launches are sent.
static int requests = -1;
// The process that the launcher belongs to; 0 if there is none. After a fork(2) the new process has none.
static pid_t owner;

// MARK: The thread

static bool leave_table(int socket) {
  if (syscall(SYS_close_range, socket + 1, ~0u, CLOSE_RANGE_UNSHARE) != 0 && unshare(CLONE_FILES) != 0) return false;
  if (socket > 0) cs_close_descriptors(0, (unsigned)socket - 1);
  cs_close_descriptors((unsigned)socket + 1, ~0u);
  return true;
}

static void serve(cs_keeping *keeping, int channel) {
  int result = cs_keeper_start(keeping, channel);
  // From here on the block may be gone.
  if (result < 0) {
    cs_news news = {.kind = CS_NEWS_FAILED, .value = -result, .step = CS_STEP_PROCESS};
    send(channel, &news, sizeof news, MSG_NOSIGNAL);
  }
  close(channel);
}

static void *launch_all(void *argument) {
  int socket = (int)(intptr_t)argument;
  // A keeper has this process's signal handlers and must not run them.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  __atomic_store_n(&state, leave_table(socket) ? APART : SHARING, __ATOMIC_RELEASE);
  cs_futex_wake(&state, 1);
  for (;;) {
    cs_keeping *keeping;
    int channel;
    ssize_t count = cs_take_descriptor(socket, &keeping, sizeof keeping, &channel, 0);
    if (count == sizeof keeping && channel >= 0) serve(keeping, channel);
    // If there was no number for the channel, the kernel has closed it, and the launching side sees its end.
    else if (count != -EMFILE && count != (ssize_t)sizeof keeping) break;
  }
  close(socket);
  return NULL;
}

// Called with the lock held. Returns 0 or -errno.
static int start_launcher(void) {
  // After a fork(2) the other end of this socket is in another process.
  if (requests >= 0) close(requests);
  requests = -1;
  int ends[2];
  int result = cs_status(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
  if (result < 0) return result;
  state = STARTING;
  uintptr_t thread;
  result = cs_thread_start("fibers-launch", launch_all, (void *)(intptr_t)ends[1], &thread);
  if (result < 0) {
    close(ends[0]);
    close(ends[1]);
    return result;
  }
  cs_thread_detach(thread);
  while (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == STARTING) cs_futex_wait(&state, STARTING, -1);
  if (state == APART) close(ends[1]);
  requests = ends[0];
  return 0;
}

// The launcher's socket, or -errno.
static int launcher(void) {
  pid_t process = getpid();
  if (__atomic_load_n(&owner, __ATOMIC_ACQUIRE) == process) return requests;
  pthread_mutex_lock(&making);
  int result = owner == process ? 0 : start_launcher();
  if (result == 0) __atomic_store_n(&owner, process, __ATOMIC_RELEASE);
  pthread_mutex_unlock(&making);
  return result < 0 ? result : requests;
}

int cs_launcher_thread_count(void) { return __atomic_load_n(&owner, __ATOMIC_ACQUIRE) == getpid(); }

// MARK: A launch

static int send_descriptors(int channel, const int *sources, int count) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(DESCRIPTORS_IN_MESSAGE * sizeof(int))];
  } control;
  for (int sent = 0; sent < count;) {
    int some = count - sent < DESCRIPTORS_IN_MESSAGE ? count - sent : DESCRIPTORS_IN_MESSAGE;
    struct iovec part = {.iov_base = "", .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes};
    message.msg_controllen = CMSG_SPACE(some * sizeof(int));
    memset(control.bytes, 0, message.msg_controllen);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(some * sizeof(int));
    memcpy(CMSG_DATA(&control.header), sources + sent, some * sizeof(int));
    int result = cs_status(sendmsg(channel, &message, MSG_NOSIGNAL));
    if (result == -EINTR) continue;
    if (result < 0) return result;
    sent += some;
  }
  return 0;
}

int cs_child_launch(const cs_launch *launch, cs_child *child) {
  child->step = launch->count > CS_TREE_CAPACITY ? CS_STEP_DESCRIPTORS : CS_STEP_PROCESS;
  if (launch->count > CS_TREE_CAPACITY) return -EMFILE;
  int launches = launcher();
  if (launches < 0) return launches;
  cs_keeping *keeping = mmap(NULL, sizeof *keeping, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (keeping == MAP_FAILED) return -errno;
  int ends[2];
  int result = cs_status(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
  if (result < 0) {
    munmap(keeping, sizeof *keeping);
    return result;
  }
  keeping->launch = launch;
  cs_read_traits(&keeping->traits);
  keeping->traits.timer_slack = cs_timers_slack();
  result = send_descriptors(ends[0], launch->sources, launch->count);
  if (result < 0) child->step = CS_STEP_DESCRIPTORS;
  if (result == 0) result = (int)cs_pass_descriptor(launches, &keeping, sizeof keeping, ends[1], 0);
  close(ends[1]);
  if (result < 0) {
    close(ends[0]);
    munmap(keeping, sizeof *keeping);
    return result;
  }
  child->channel = ends[0];
  child->memory = keeping;
  return 0;
}

#endif
