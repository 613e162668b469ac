// Files.
//
// Sources: open(2), pread(2), preadv2(2) (RWF_NOWAIT), fsync(2), copy_file_range(2), sendfile(2).
#define _GNU_SOURCE
#include "../internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/sendfile.h>
#endif

bool cs_errno_not_supported(int error) { return error == EOPNOTSUPP || error == ENOTSUP || error == ENOSYS; }

#define RESTARTED(result, call)                 \
  do result = (call);                           \
  while (result < 0 && cs_restarts());          \
  if (result < 0) result = -errno

int cs_file_open(const char *path, uint32_t flags, mode_t mode) {
  int kernels = O_CLOEXEC | O_NOCTTY;
  if (flags & CS_OPEN_WRITE) kernels |= flags & CS_OPEN_READ ? O_RDWR : O_WRONLY;
  else kernels |= O_RDONLY;
  if (flags & CS_OPEN_APPEND) kernels |= O_APPEND;
  if (flags & CS_OPEN_CREATE) kernels |= O_CREAT;
  if (flags & CS_OPEN_EXCLUSIVE) kernels |= O_EXCL;
  if (flags & CS_OPEN_TRUNCATE) kernels |= O_TRUNC;
  if (flags & CS_OPEN_NONBLOCKING) kernels |= O_NONBLOCK;
  return cs_open(path, kernels, mode);
}

static void fill(cs_file_status *status, struct stat found) {
  status->size = found.st_size;
  status->device = found.st_dev;
  status->inode = found.st_ino;
  status->owner = found.st_uid;
  status->permissions = found.st_mode & 0777;
  status->is_directory = S_ISDIR(found.st_mode);
  status->is_regular = S_ISREG(found.st_mode);
  status->is_socket = S_ISSOCK(found.st_mode);
  status->is_fifo = S_ISFIFO(found.st_mode);
  // Some character devices accept a seek and ignore it: /dev/zero, terminals.
  status->is_seekable = S_ISREG(found.st_mode) || S_ISBLK(found.st_mode);
}

int cs_file_status_of(int fd, cs_file_status *status) {
  struct stat found;
  if (fstat(fd, &found) != 0) return -errno;
  fill(status, found);
  return 0;
}

int cs_file_status_at(const char *path, bool follows_links, cs_file_status *status) {
  struct stat found;
  if ((follows_links ? stat(path, &found) : lstat(path, &found)) != 0) return -errno;
  fill(status, found);
  return 0;
}

ssize_t cs_file_read(int fd, void *buffer, size_t count, int64_t offset) {
  ssize_t result;
  RESTARTED(result, offset < 0 ? read(fd, buffer, count) : pread(fd, buffer, count, offset));
  return result;
}

ssize_t cs_file_write(int fd, const void *buffer, size_t count, int64_t offset) {
  ssize_t result;
  RESTARTED(result, offset < 0 ? write(fd, buffer, count) : pwrite(fd, buffer, count, offset));
  return result;
}

#if defined(__linux__) && defined(RWF_NOWAIT)

ssize_t cs_file_read_now(int fd, void *buffer, size_t count, int64_t offset) {
  struct iovec part = {buffer, count};
  ssize_t result;
  RESTARTED(result, preadv2(fd, &part, 1, offset, RWF_NOWAIT));
  return result;
}

ssize_t cs_file_write_now(int fd, const void *buffer, size_t count, int64_t offset) {
  struct iovec part = {(void *)buffer, count};
  ssize_t result;
  RESTARTED(result, pwritev2(fd, &part, 1, offset, RWF_NOWAIT));
  return result;
}

#else  // not yet verified

ssize_t cs_file_read_now(int fd, void *buffer, size_t count, int64_t offset) {
  (void)fd, (void)buffer, (void)count, (void)offset;
  return -ENOSYS;
}

ssize_t cs_file_write_now(int fd, const void *buffer, size_t count, int64_t offset) {
  (void)fd, (void)buffer, (void)count, (void)offset;
  return -ENOSYS;
}

#endif

int64_t cs_file_position(int fd) {
  off_t result = lseek(fd, 0, SEEK_CUR);
  return result < 0 ? -errno : result;
}

int cs_file_truncate(int fd, int64_t size) {
  int result;
  RESTARTED(result, ftruncate(fd, size));
  return result;
}

int cs_file_sync(int fd, bool data_only) {
  int result;
#if defined(__linux__)
  RESTARTED(result, data_only ? fdatasync(fd) : fsync(fd));
#else  // not yet verified
  (void)data_only;
  RESTARTED(result, fcntl(fd, F_FULLFSYNC));
#endif
  return result;
}

int cs_file_remove(const char *path) { return cs_status(unlink(path)); }

int cs_current_directory(char *path, size_t capacity) { return getcwd(path, capacity) == NULL ? -errno : 0; }

int cs_file_rename(const char *old, const char *new) { return cs_status(rename(old, new)); }

static int64_t next(int fd, int64_t offset, int what) {
  off_t result = lseek(fd, offset, what);
  return result < 0 ? -errno : result;
}

int64_t cs_file_next_data(int fd, int64_t offset) { return next(fd, offset, SEEK_DATA); }
int64_t cs_file_next_hole(int fd, int64_t offset) { return next(fd, offset, SEEK_HOLE); }

// Through memory: the last resort.
static ssize_t copy_by_hand(int source, int64_t from, int target, int64_t to, size_t count) {
  enum { PIECE = 256 << 10 };
  char *buffer = malloc(PIECE);
  if (buffer == NULL) return -ENOMEM;
  size_t done = 0;
  ssize_t error = 0;
  while (done < count && error == 0) {
    size_t wanted = count - done < PIECE ? count - done : PIECE;
    ssize_t got = cs_file_read(source, buffer, wanted, from + (int64_t)done);
    if (got <= 0) {
      error = got;
      break;
    }
    for (ssize_t written = 0; written < got;) {
      ssize_t more = cs_file_write(target, buffer + written, got - written, to + (int64_t)done);
      if (more < 0) {
        error = more;
        break;
      }
      written += more;
      done += more;
    }
  }
  free(buffer);
  return done > 0 ? (ssize_t)done : error;
}

ssize_t cs_file_copy(int source, int64_t from, int target, int64_t to, size_t count) {
#if defined(__linux__)
  off64_t input = from, output = to;
  ssize_t result;
  do result = copy_file_range(source, &input, target, &output, count, 0);
  while (result < 0 && cs_restarts());
  // It copies nothing from files in /proc, because their stated size is 0.
  if (result > 0) return result;
  if (result == 0) return copy_by_hand(source, from, target, to, count);
  // The call does not support these file systems, or this kernel.
  if (errno != EXDEV && errno != EINVAL && errno != EBADF && !cs_errno_not_supported(errno) && errno != EPERM)
    return -errno;
#endif
  return copy_by_hand(source, from, target, to, count);
}
