// Launched children (launcher.c): their news, orders to them, and their pipes and pseudo terminals.
//
// Sources: wait(2), pipe(2), pty(7), ioctl_tty(2) (TIOCGPTPEER since Linux 4.13).
#define _GNU_SOURCE
#include "keeper.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

char **cs_environment(void) { return environ; }

int cs_terminal_resize(int fd, uint16_t rows, uint16_t columns) {
  struct winsize size = {.ws_row = rows, .ws_col = columns};
  return cs_status(ioctl(fd, TIOCSWINSZ, &size));
}

#if defined(__linux__)

// MARK: Children

int cs_child_news(const cs_child *child, cs_news *news) {
  for (;;) {
    ssize_t count = recv(child->channel, news, sizeof *news, MSG_DONTWAIT);
    if (count >= 0) return count == sizeof *news;
    // A keeper that ends with unread orders resets the connection. The reset is reported first, once; its news can
    // still be read.
    if (errno != EINTR && errno != ECONNRESET) return -errno;
  }
}

int cs_child_order(const cs_child *child, int order, int signal) {
  int message[2] = {order, signal};
  ssize_t result = send(child->channel, message, sizeof message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return result < 0 ? -errno : 0;
}

void cs_child_kill_tree(const cs_child *child) { shutdown(child->channel, SHUT_WR); }

void cs_child_release(const cs_child *child) {
  const cs_keeping *keeping = child->memory;
  // The kernel writes it before the keeper runs, so before any news.
  while (keeping->keeper != 0 && waitpid(keeping->keeper, NULL, __WALL) < 0 && errno == EINTR) {}
  munmap(child->memory, sizeof(cs_keeping));
}

// MARK: Pipes and terminals

int cs_process_pipe(int *reading, int *writing) {
  int ends[2];
  int result = cs_status(pipe2(ends, O_CLOEXEC));
  if (result < 0) return result;
  *reading = ends[0];
  *writing = ends[1];
  return 0;
}

int cs_terminal_open(uint16_t rows, uint16_t columns, int *own, int *childs) {
  int terminal = cs_open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0);
  if (terminal < 0) return terminal;
  int unlocked = 0;
  int result = cs_status(ioctl(terminal, TIOCSPTLCK, &unlocked));
  if (result >= 0) result = cs_terminal_resize(terminal, rows, columns);
  if (result >= 0) result = cs_status(ioctl(terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (result < 0) {
    close(terminal);
    return result;
  }
  *own = terminal;
  *childs = result;
  return 0;
}

#else

// Darwin: posix_spawn and kqueue would go here; it has no subreaper. Not yet written.
int cs_child_launch(const cs_launch *launch, cs_child *child) { return (void)launch, (void)child, -ENOSYS; }
int cs_launcher_thread_count(void) { return 0; }
int cs_child_news(const cs_child *child, cs_news *news) { return (void)child, (void)news, -ENOSYS; }
int cs_child_order(const cs_child *child, int order, int signal) {
  return (void)child, (void)order, (void)signal, -ENOSYS;
}
void cs_child_kill_tree(const cs_child *child) { (void)child; }
void cs_child_release(const cs_child *child) { (void)child; }
int cs_process_pipe(int *reading, int *writing) { return (void)reading, (void)writing, -ENOSYS; }
int cs_terminal_open(uint16_t rows, uint16_t columns, int *own, int *childs) {
  return (void)rows, (void)columns, (void)own, (void)childs, -ENOSYS;
}

#endif
