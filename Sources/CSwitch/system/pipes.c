// Pipes, and descriptors that are read and written like pipes.
//
// Sources: pipe(7), pipe2(2), fcntl(2), sigaction(2).
#define _GNU_SOURCE
#include "../internal.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int cs_pipe(int *reader, int *writer) {
  int fds[2];
#if defined(__linux__)
  if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) return -errno;
#else
  if (pipe(fds) != 0) return -errno;
#endif
  *reader = fds[0];
  *writer = fds[1];
#if !defined(__linux__)  // not yet verified
  for (int i = 0; i < 2; i++) fcntl(fds[i], F_SETFL, O_NONBLOCK), fcntl(fds[i], F_SETFD, FD_CLOEXEC);
#endif
  return 0;
}

int cs_set_nonblocking(int fd, bool is_nonblocking) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  int wanted = is_nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  return wanted == flags ? 0 : cs_status(fcntl(fd, F_SETFL, wanted));
}

// A handler, not SIG_IGN: child programs would inherit SIG_IGN, but a handler becomes the default again.
static void do_nothing(int number) { (void)number; }

static void ignore_by_default(int number) {
  struct sigaction action;
  if (sigaction(number, NULL, &action) != 0 || action.sa_handler != SIG_DFL) return;
  action.sa_handler = do_nothing;
  // A fiber's stack may be too full for the kernel's signal frame.
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  sigaction(number, &action, NULL);
}

void cs_ignore_write_signals(void) {
  ignore_by_default(SIGPIPE);
  ignore_by_default(SIGXFSZ);
}

int cs_unlink(const char *path) { return cs_status(unlink(path)); }

int cs_duplicate(int fd) { return cs_status(fcntl(fd, F_DUPFD_CLOEXEC, 3)); }
