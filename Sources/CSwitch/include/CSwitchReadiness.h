#ifndef NURSERY_CSWITCH_READINESS_H
#define NURSERY_CSWITCH_READINESS_H

#include <stdint.h>
#include <sys/types.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#else
#define _Nullable
#define _Nonnull
#endif

#ifdef __cplusplus
extern "C" {
#endif

// Readiness. `events` and `ready`: 1 = readable, 2 = writable, 4 = hang-up or error. 8, in `ready` only, means that the
// other side sends no more, or has sent out-of-band data. After 8 a short read does not mean that there is no more to
// read.
int cs_epoll_create(void);
int cs_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);     // edge-triggered for events != 0
int cs_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token);
int cs_epoll_remove(int epoll, int fd);
typedef struct cs_ready { uint64_t token; uint32_t ready; } cs_ready;
// At most `capacity` events; waits at most `nanoseconds` (negative: for ever). Returns the number, or -errno (0 on
// EINTR).
int cs_epoll_wait(int epoll, cs_ready *events, int capacity, int64_t nanoseconds);
// One descriptor of a poll(2), in the system's layout; `events` is used up by the call.
typedef struct cs_polled { int fd; int16_t events; int16_t ready; } cs_polled;
// Sets `ready` in each; waits at most `nanoseconds` (negative: for ever). Returns the number of ready ones, or -errno
// (0 on EINTR).
int cs_poll(cs_polled *polled, int count, int64_t nanoseconds);
// Whether one of `events`, or a hang-up or error, is reported now: 1, 0 or -errno. Works for every kind of descriptor.
int cs_poll_now(int fd, uint32_t events);
int cs_eventfd(void);                         // non-blocking, close-on-exec
int cs_eventfd_signal(int fd);
int cs_eventfd_clear(int fd);
// A timer of the wall clock, non-blocking, close-on-exec; readable when its time has come, and when the clock is set.
int cs_alarm(void);
int cs_alarm_set(int fd, int64_t nanoseconds);  // since 1970; -ECANCELED: done, but the clock has been set
int cs_alarm_take(int fd);                      // 1: its time has come; -EAGAIN: not yet; -ECANCELED: the clock was set

// A descriptor that reports changes of files (inotify); non-blocking, close-on-exec.
int cs_changes_open(void);
// Begins to watch a file or a directory: the number of the watch, or -errno. Blocks for the file system.
int cs_changes_watch(int fd, const char *path);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#else
#undef _Nullable
#undef _Nonnull
#endif
#endif
