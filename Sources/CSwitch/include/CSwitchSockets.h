#ifndef NURSERY_CSWITCH_SOCKETS_H
#define NURSERY_CSWITCH_SOCKETS_H

#include <stdbool.h>
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

// An address in the system's layout, with its length; large enough for all families.
typedef struct cs_address {
  uint32_t length;
  _Alignas(8) uint8_t bytes[128];
} cs_address;

enum { CS_FAMILY_OTHER = 0, CS_FAMILY_V4 = 4, CS_FAMILY_V6 = 6, CS_FAMILY_UNIX = 1 };

// Writes an address; `ip` has 4 or 16 bytes, in network order.
void cs_address_v4(cs_address *address, const uint8_t *ip, uint16_t port);
void cs_address_v6(cs_address *address, const uint8_t *ip, uint16_t port, uint32_t scope);
// A path, or with a leading zero byte a name in the abstract namespace. -ENAMETOOLONG if it does not fit.
int cs_address_unix(cs_address *address, const uint8_t *path, size_t count);

int cs_address_family(const cs_address *address);
// The parts of an IPv4 or IPv6 address.
void cs_address_ip(const cs_address *address, uint8_t *ip, uint16_t *port, uint32_t *scope);
// The bytes of a path or an abstract name, with its leading zero; returns how many, 0 for an unnamed socket.
size_t cs_address_path(const cs_address *address, uint8_t *path);

// Reads "192.0.2.1", "2001:db8::1" or "fe80::1%eth0"; false if it is none.
bool cs_address_parse(const char *text, uint16_t port, cs_address *address);
// Writes the numeric form, without the port; `text` has room for 64 bytes.
void cs_address_text(const cs_address *address, char *text);

// Makes a non-blocking, close-on-exec socket. `kind`: 1 = stream, 2 = datagram.
int cs_socket(int family, int kind);
int cs_socket_pair(int *_Nonnull first, int *_Nonnull second);
int cs_bind(int fd, const cs_address *address);
// The same for a path that only this user may connect to: the socket file has mode 0600, whatever the umask.
int cs_bind_private(int fd, const cs_address *address);
// The effective user of the process at the other end of a Unix connection, when it connected; 0 or -errno.
int cs_peer_user(int fd, uint32_t *user);
int cs_listen(int fd, int backlog);
// 0, -EINPROGRESS or another -errno.
int cs_connect(int fd, const cs_address *address);
// The outcome of a connect that was in progress: 0 or -errno.
int cs_socket_error(int fd);
// How many bytes a socket, or the reading end of a pipe, has received that are not read, while the other side is open; 0
// for other kinds of descriptors.
int cs_unread(int fd);
int cs_accept(int fd, cs_address *_Nullable peer);
int cs_shutdown(int fd, bool reading, bool writing);
int cs_local_address(int fd, cs_address *address);
int cs_peer_address(int fd, cs_address *address);

typedef enum cs_option {
  CS_NO_DELAY,
  CS_REUSE_ADDRESS,
  CS_REUSE_PORT,
  CS_KEEP_ALIVE,
  CS_V6_ONLY,
  CS_SEND_BUFFER,
  CS_RECEIVE_BUFFER,
  CS_BROADCAST,
  // Seconds; -1 for none.
  CS_LINGER,
} cs_option;
int cs_set_option(int fd, cs_option option, int value);
// The value, or -errno.
int cs_get_option(int fd, cs_option option);

// Receive and send; a closed peer raises no SIGPIPE.
ssize_t cs_receive(int fd, void *buffer, size_t count);
ssize_t cs_send(int fd, const void *buffer, size_t count);

typedef struct cs_part { const void *_Nullable bytes; size_t count; } cs_part;
// Sends all parts in one message, or as much as there is room for.
ssize_t cs_send_parts(int fd, const cs_part *parts, int count);

ssize_t cs_send_to(int fd, const void *_Nullable buffer, size_t count, const cs_address *_Nullable address);
// `*truncated`: the datagram was longer than the buffer.
ssize_t cs_receive_from(int fd, void *_Nullable buffer, size_t count, cs_address *_Nullable address, bool *truncated);

// Send and receive a descriptor along with bytes; -1 for none. A received descriptor is close-on-exec. The message is
// lost with -EMSGSIZE (more than one descriptor came) and with -EMFILE (no descriptor is left for it).
ssize_t cs_send_descriptor(int fd, const void *buffer, size_t count, int descriptor);
ssize_t cs_receive_descriptor(int fd, void *buffer, size_t count, int *descriptor);

// Makes a pipe; both ends are non-blocking and close-on-exec.
int cs_pipe(int *reader, int *writer);
// Makes a descriptor non-blocking, or blocking again; 0 or -errno.
int cs_set_nonblocking(int fd, bool is_nonblocking);
// Duplicates a descriptor, close-on-exec.
int cs_duplicate(int fd);

// Whether the process was started without this descriptor (0, 1 or 2) and the program has not replaced it since. The
// number is in use.
bool cs_is_missing(int fd);

typedef enum cs_descriptor_kind {
  CS_KIND_OTHER,
  CS_KIND_PIPE,
  CS_KIND_SOCKET,
  // The master side of a pseudo terminal is none of these.
  CS_KIND_TERMINAL,
} cs_descriptor_kind;
cs_descriptor_kind cs_kind(int fd);
// What the kernel calls the open file: its path, "pipe:[4711]" or the like. Without a zero at the end; the number of
// bytes, at most `capacity`, or -errno.
ssize_t cs_descriptor_name(int fd, char *buffer, size_t capacity);
bool cs_is_nonblocking(int fd);
// Opens the same pipe or terminal again, close-on-exec, with an O_NONBLOCK flag of its own. The number is above 2.
// -ENOTSUP for other kinds; -EACCES if it belongs to another user.
int cs_reopen(int fd, bool is_nonblocking);
// Prepares a descriptor for a child, which expects a blocking one. Returns `fd`, or a new number that the caller
// closes, or -errno. A connection that this library made becomes blocking, for all that share it. Listening sockets,
// and sockets of other origin, stay as they are.
int cs_share(int fd, bool is_ours);

int cs_unlink(const char *path);
// Ignores SIGPIPE and SIGXFSZ, so that the write fails with EPIPE or EFBIG. A signal that the program handles or
// ignores itself is left as it is.
void cs_ignore_write_signals(void);

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
