// Files: the calls that FileStream and copying use. They return -errno and are restarted on EINTR unless they are
// interrupted (`cs_interruption_raise`).
#ifndef NURSERY_CSWITCH_FILES_H
#define NURSERY_CSWITCH_FILES_H

#include <stdbool.h>
#include <stddef.h>
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

// Flags for cs_file_open; the values are not the kernel's.
static const uint32_t CS_OPEN_READ = 1;
static const uint32_t CS_OPEN_WRITE = 2;
static const uint32_t CS_OPEN_APPEND = 4;
static const uint32_t CS_OPEN_CREATE = 8;
static const uint32_t CS_OPEN_EXCLUSIVE = 16;
static const uint32_t CS_OPEN_TRUNCATE = 32;
static const uint32_t CS_OPEN_NONBLOCKING = 64;

// Whether an error means that the kernel or the file system does not support the call.
bool cs_errno_not_supported(int error);

typedef struct cs_file_status {
  int64_t size;
  uint64_t device, inode;
  uint32_t owner;
  uint32_t permissions;   // to read, write and execute
  bool is_directory, is_regular, is_socket, is_seekable, is_fifo;
} cs_file_status;

// Opens a file, close-on-exec.
int cs_file_open(const char *path, uint32_t flags, mode_t mode);
int cs_file_status_of(int fd, cs_file_status *status);
int cs_file_status_at(const char *path, bool follows_links, cs_file_status *status);

// Read and write at an offset, or, if it is negative, at the descriptor's own position.
ssize_t cs_file_read(int fd, void *buffer, size_t count, int64_t offset);
ssize_t cs_file_write(int fd, const void *buffer, size_t count, int64_t offset);
// The same without waiting for a device: -EAGAIN if the call would wait, -EOPNOTSUPP or -ENOSYS if that cannot be
// known.
ssize_t cs_file_read_now(int fd, void *buffer, size_t count, int64_t offset);
ssize_t cs_file_write_now(int fd, const void *buffer, size_t count, int64_t offset);

int64_t cs_file_position(int fd);
int cs_file_truncate(int fd, int64_t size);
int cs_file_sync(int fd, bool data_only);
int cs_file_remove(const char *path);
int cs_current_directory(char *path, size_t capacity);
int cs_file_rename(const char *old, const char *new);

// The offset of the next data, or the next hole, at or after an offset; a file ends with a hole. -ENXIO if there is no
// more data.
int64_t cs_file_next_data(int fd, int64_t offset);
int64_t cs_file_next_hole(int fd, int64_t offset);

// Copies at most `count` bytes from one offset to the other, and returns how many; 0 at the end.
ssize_t cs_file_copy(int source, int64_t source_offset, int target, int64_t target_offset, size_t count);

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
