// Readiness of descriptors: epoll, eventfd and timerfd.
//
// Edge-triggered: a descriptor is registered once and reports changes, so waiting for it costs no system call. A wait
// never ends early: if the kernel counts in milliseconds, it is rounded up.
//
// Sources: epoll(7), epoll_wait(2) (epoll_pwait2 since Linux 5.11), eventfd(2), timerfd_create(2).
#define _GNU_SOURCE
#include "../internal.h"

#if defined(__linux__)

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#if !defined(SYS_epoll_pwait2)
#define SYS_epoll_pwait2 441
#endif

enum { READABLE = 1, WRITABLE = 2, BROKEN = 4, ENDED = 8 };

int cs_epoll_create(void) { return cs_status(epoll_create1(EPOLL_CLOEXEC)); }

static int control(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = 0, .data.u64 = token};
  if (events & READABLE) event.events |= EPOLLIN | EPOLLRDHUP | EPOLLPRI;
  if (events & WRITABLE) event.events |= EPOLLOUT;
  if (events != 0) event.events |= (uint32_t)EPOLLET;
  return cs_status(epoll_ctl(epoll, operation, fd, &event));
}

int cs_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
  return control(epoll, EPOLL_CTL_ADD, fd, events, token);
}

int cs_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token) {
  return control(epoll, EPOLL_CTL_MOD, fd, events, token);
}

int cs_epoll_remove(int epoll, int fd) { return control(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

static int wait_in_milliseconds(int epoll, struct epoll_event *found, int capacity, int64_t nanoseconds) {
  int64_t limit = nanoseconds < 0 ? -1 : nanoseconds / 1000000 + (nanoseconds % 1000000 != 0);
  if (limit > INT_MAX) limit = INT_MAX;
  return cs_status(epoll_wait(epoll, found, capacity, (int)limit));
}

static int wait_for_events(int epoll, struct epoll_event *found, int capacity, int64_t nanoseconds) {
  static atomic_bool coarse;
  // A poll and an endless wait need no precise timeout, and every kernel has the old call.
  if (nanoseconds <= 0 || atomic_load_explicit(&coarse, memory_order_relaxed)) {
    return wait_in_milliseconds(epoll, found, capacity, nanoseconds);
  }
  struct timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  int result = cs_status(syscall(SYS_epoll_pwait2, epoll, found, capacity, &limit, NULL, 0));
  // Old kernels say ENOSYS, some sandboxes EPERM.
  if (result != -ENOSYS && result != -EPERM) return result;
  atomic_store_explicit(&coarse, true, memory_order_relaxed);
  return wait_in_milliseconds(epoll, found, capacity, nanoseconds);
}

static uint32_t readiness(uint32_t events) {
  uint32_t ready = 0;
  if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP)) ready |= READABLE;
  if (events & EPOLLOUT) ready |= WRITABLE;
  if (events & (EPOLLERR | EPOLLHUP)) ready |= BROKEN;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLPRI)) ready |= ENDED;
  return ready;
}

int cs_epoll_wait(int epoll, cs_ready *events, int capacity, int64_t nanoseconds) {
  // The kernel fills the end of the caller's memory, and its records are converted from the first to the last. cs_ready
  // is at least as large, so no record is overwritten before it is read.
  _Static_assert(sizeof(struct epoll_event) <= sizeof(cs_ready), "rewriting would overtake reading");
  struct epoll_event *found = (struct epoll_event *)(events + capacity) - capacity;
  int count = wait_for_events(epoll, found, capacity, nanoseconds);
  if (count < 0) return count == -EINTR ? 0 : count;
  for (int i = 0; i < count; i++) {
    struct epoll_event event;
    memcpy(&event, found + i, sizeof event);
    events[i] = (cs_ready){.token = event.data.u64, .ready = readiness(event.events)};
  }
  return count;
}

int cs_poll(cs_polled *polled, int count, int64_t nanoseconds) {
  // cs_polled has the system's layout, and the bits below have the system's values.
  _Static_assert(sizeof(struct pollfd) == sizeof(cs_polled), "another layout");
  struct pollfd *fds = (struct pollfd *)polled;
  for (int i = 0; i < count; i++) {
    short wanted = 0;
    if (polled[i].events & READABLE) wanted |= POLLIN | POLLPRI;
    if (polled[i].events & WRITABLE) wanted |= POLLOUT;
    fds[i].events = wanted;
  }
  struct timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  int result = cs_status(ppoll(fds, (nfds_t)count, nanoseconds < 0 ? NULL : &limit, NULL));
  for (int i = 0; i < count; i++) {
    short found = result > 0 ? fds[i].revents : 0;
    polled[i].ready = 0;
    if (found & (POLLIN | POLLPRI)) polled[i].ready |= READABLE;
    if (found & POLLOUT) polled[i].ready |= WRITABLE;
    if (found & (POLLERR | POLLHUP | POLLNVAL)) polled[i].ready |= BROKEN;
  }
  return result == -EINTR ? 0 : result;
}

int cs_poll_now(int fd, uint32_t events) {
  struct pollfd one = {.fd = fd, .events = 0, .revents = 0};
  if (events & READABLE) one.events |= POLLIN;
  if (events & WRITABLE) one.events |= POLLOUT;
  int count = cs_status(poll(&one, 1, 0));
  if (count < 0) return count == -EINTR ? 0 : count;
  return (one.revents & POLLNVAL) ? -EBADF : one.revents != 0;
}

int cs_eventfd(void) { return cs_status(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

int cs_eventfd_signal(int fd) {
  uint64_t one = 1;
  ssize_t result = cs_write(fd, &one, sizeof one);
  // A full counter is already readable, and that is the signal's only effect.
  return result < 0 && result != -EAGAIN ? (int)result : 0;
}

int cs_eventfd_clear(int fd) {
  uint64_t count;
  ssize_t result = cs_read(fd, &count, sizeof count);
  return result < 0 && result != -EAGAIN ? (int)result : 0;
}

int cs_alarm(void) { return cs_status(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC)); }

int cs_alarm_set(int fd, int64_t nanoseconds) {
  // Zero would mean none.
  if (nanoseconds < 1) nanoseconds = 1;
  struct itimerspec when = {
    .it_value = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000}};
  return cs_status(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL));
}

int cs_alarm_take(int fd) {
  uint64_t count;
  ssize_t result = cs_read(fd, &count, sizeof count);
  return result < 0 ? (int)result : 1;
}

#else

// Darwin: kqueue would go here. Not yet written.
int cs_epoll_create(void) { return -ENOSYS; }
int cs_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
  (void)epoll, (void)fd, (void)events, (void)token;
  return -ENOSYS;
}
int cs_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token) {
  return cs_epoll_add(epoll, fd, events, token);
}
int cs_epoll_remove(int epoll, int fd) { return cs_epoll_add(epoll, fd, 0, 0); }
int cs_epoll_wait(int epoll, cs_ready *events, int capacity, int64_t nanoseconds) {
  (void)epoll, (void)events, (void)capacity, (void)nanoseconds;
  return -ENOSYS;
}
int cs_poll(cs_polled *polled, int count, int64_t nanoseconds) {
  (void)polled, (void)count, (void)nanoseconds;
  return -ENOSYS;
}
int cs_poll_now(int fd, uint32_t events) { return (void)fd, (void)events, -ENOSYS; }
int cs_eventfd(void) { return -ENOSYS; }
int cs_eventfd_signal(int fd) { return (void)fd, -ENOSYS; }
int cs_eventfd_clear(int fd) { return (void)fd, -ENOSYS; }
int cs_alarm(void) { return -ENOSYS; }
int cs_alarm_set(int fd, int64_t nanoseconds) { return (void)fd, (void)nanoseconds, -ENOSYS; }
int cs_alarm_take(int fd) { return (void)fd, -ENOSYS; }

#endif
