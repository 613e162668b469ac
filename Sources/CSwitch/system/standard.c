// Descriptors that this library has not made, or shares: the three that a process is started with, and reopening what
// they refer to.
//
// A *description* is the kernel's record of one open(2): position and flags, O_NONBLOCK among them. Several
// descriptors, also of other processes, may refer to one description, so O_NONBLOCK is set for all or for none. A pipe,
// a FIFO or a terminal can be opened again through /proc; the new description has flags of its own.
//
// Sources: open(2), proc(5) (/proc/thread-self/fd), tty(4), ioctl_tty(2) (TIOCGDEV, TIOCGPTN), fifo(7), POSIX (2.5, on
// descriptors 0, 1 and 2).
#define _GNU_SOURCE
#include "../internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// MARK: Descriptors 0, 1 and 2

// The file that fills the number of a descriptor that was missing when the process started.
typedef struct filler {
  bool is_there;
  dev_t device;
  ino_t inode;
} filler;

static filler fillers[3];

// Fills the missing numbers. Otherwise the first file that is opened would get one, and writes to standard output or
// error would go to that file. This constructor runs before others that may open files.
__attribute__((constructor(101))) static void fill_missing(void) {
  for (int fd = 0; fd < 3; fd++) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    // open returns the lowest free number, so all numbers below it are in use.
    int result = open("/dev/null", O_RDWR);
    if (result < 0) result = open("/", O_RDONLY | O_DIRECTORY);
    struct stat found;
    if (result != fd || fstat(fd, &found) != 0) continue;
    fillers[fd] = (filler){.is_there = true, .device = found.st_dev, .inode = found.st_ino};
  }
}

bool cs_is_missing(int fd) {
  if (fd < 0 || fd > 2 || !fillers[fd].is_there) return false;
  // The program may have replaced it since.
  struct stat found;
  return fstat(fd, &found) == 0 && found.st_dev == fillers[fd].device && found.st_ino == fillers[fd].inode;
}

// MARK: Descriptions

cs_descriptor_kind cs_kind(int fd) {
  struct stat found;
  if (fstat(fd, &found) != 0) return CS_KIND_OTHER;
  if (S_ISSOCK(found.st_mode)) return CS_KIND_SOCKET;
  if (S_ISFIFO(found.st_mode)) return CS_KIND_PIPE;
  if (!S_ISCHR(found.st_mode) || !isatty(fd)) return CS_KIND_OTHER;
#if defined(TIOCGPTN)
  // Opening the master side of a pseudo terminal makes another pseudo terminal.
  unsigned number;
  if (ioctl(fd, TIOCGPTN, &number) == 0) return CS_KIND_OTHER;
#endif
  return CS_KIND_TERMINAL;
}

ssize_t cs_descriptor_name(int fd, char *buffer, size_t capacity) {
#if defined(__linux__)
  char path[48];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t count = readlink(path, buffer, capacity);
  return count < 0 ? -errno : count;
#else
  return -ENOTSUP;
#endif
}

#if defined(__linux__)

static bool is_same_file(int first, int second) {
  struct stat one, other;
  if (fstat(first, &one) != 0 || fstat(second, &other) != 0) return false;
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static bool is_same_terminal(int first, int second) {
  unsigned one, other;
  return ioctl(first, TIOCGDEV, &one) == 0 && ioctl(second, TIOCGDEV, &other) == 0 && one == other;
}

int cs_reopen(int fd, bool is_nonblocking) {
  cs_descriptor_kind kind = cs_kind(fd);
  if (kind != CS_KIND_PIPE && kind != CS_KIND_TERMINAL) return -ENOTSUP;
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  char path[48];
  snprintf(path, sizeof path, "/proc/thread-self/fd/%d", fd);
  // Do not wait for the other end of a FIFO, or for a carrier. A terminal does not become the controlling one.
  int wanted = (flags & (O_ACCMODE | O_APPEND)) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  int result = cs_open(path, wanted, 0);
  bool is_same = result >= 0 && is_same_file(fd, result);
  if (result < 0 && kind == CS_KIND_TERMINAL) {
    // The terminal may belong to another user, as after su(1). But any process may open its controlling terminal.
    int controlling = cs_open("/dev/tty", wanted, 0);
    if (controlling >= 0) result = controlling, is_same = is_same_terminal(fd, result);
  }
  if (result < 0) return result;
  int error = is_same ? 0 : -ENOTSUP;
  if (error == 0 && !is_nonblocking) error = cs_set_nonblocking(result, false);
  if (error == 0 && result < 3) {
    int higher = cs_duplicate(result);
    if (higher < 0) error = higher;
    else close(result), result = higher;
  }
  if (error == 0) return result;
  close(result);
  return error;
}

#else  // not yet verified

int cs_reopen(int fd, bool is_nonblocking) { return (void)fd, (void)is_nonblocking, -ENOTSUP; }

#endif

bool cs_is_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && flags & O_NONBLOCK;
}

int cs_share(int fd, bool is_ours) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  if (!(flags & O_NONBLOCK)) return fd;
  if (cs_kind(fd) == CS_KIND_SOCKET) {
    int is_listening = 0;
    socklen_t size = sizeof is_listening;
    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size);
    // Our calls on a connection pass MSG_DONTWAIT. accept(2) has no such flag.
    if (is_ours && !is_listening) cs_set_nonblocking(fd, false);
    return fd;
  }
  int result = cs_reopen(fd, false);
  return result < 0 ? fd : result;
}
