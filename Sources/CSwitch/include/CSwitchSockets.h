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

// An address as the system lays it out, with its length; large enough for all families.
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
// The parts of an address of a family that has them.
void cs_address_ip(const cs_address *address, uint8_t *ip, uint16_t *port, uint32_t *scope);
// The bytes of a path or an abstract name, with its leading zero; returns how many, 0 for an unnamed socket.
size_t cs_address_path(const cs_address *address, uint8_t *path);

// Reads "192.0.2.1", "2001:db8::1" or "fe80::1%eth0"; false if it is none.
bool cs_address_parse(const char *text, uint16_t port, cs_address *address);
// Writes the numeric form, without the port; `text` has room for 64 bytes.
void cs_address_text(const cs_address *address, char *text);

// A socket that does not block and is closed on exec. `kind`: 1 = stream, 2 = datagram.
int cs_socket(int family, int kind);
int cs_socket_pair(int *_Nonnull first, int *_Nonnull second);
int cs_bind(int fd, const cs_address *address);
int cs_listen(int fd, int backlog);
// 0, -EINPROGRESS or another -errno.
int cs_connect(int fd, const cs_address *address);
// What has become of a connect under way: 0 or -errno.
int cs_socket_error(int fd);
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

// Without SIGPIPE, whatever becomes of the peer.
ssize_t cs_receive(int fd, void *buffer, size_t count);
ssize_t cs_send(int fd, const void *buffer, size_t count);

typedef struct cs_part { const void *_Nullable bytes; size_t count; } cs_part;
// All parts in one message, or as much as there is room for.
ssize_t cs_send_parts(int fd, const cs_part *parts, int count);

ssize_t cs_send_to(int fd, const void *_Nullable buffer, size_t count, const cs_address *_Nullable address);
// `*truncated` tells that the datagram was longer than the buffer.
ssize_t cs_receive_from(int fd, void *_Nullable buffer, size_t count, cs_address *_Nullable address, bool *truncated);

// With bytes goes or comes a descriptor; -1 for none. What comes is closed on exec. What has come is lost with
// -EMSGSIZE, of several descriptors at once, and with -EMFILE, of one that this process cannot have.
ssize_t cs_send_descriptor(int fd, const void *buffer, size_t count, int descriptor);
ssize_t cs_receive_descriptor(int fd, void *buffer, size_t count, int *descriptor);

// Both ends do not block and are closed on exec.
int cs_pipe(int *reader, int *writer);
// Makes a descriptor not block, or block again; 0 or -errno.
int cs_set_nonblocking(int fd, bool is_nonblocking);
// Another number for the same, closed on exec.
int cs_duplicate(int fd);

// Whether the process was started without this descriptor, one of 0, 1 and 2, and it refers to nothing since. Its
// number is taken.
bool cs_is_missing(int fd);

typedef enum cs_descriptor_kind {
  CS_KIND_OTHER,
  CS_KIND_PIPE,
  CS_KIND_SOCKET,
  // The side of a pseudo terminal that its maker holds is none of these.
  CS_KIND_TERMINAL,
} cs_descriptor_kind;
cs_descriptor_kind cs_kind(int fd);
bool cs_is_nonblocking(int fd);
// A new description, closed on exec, of the same pipe or terminal, with an O_NONBLOCK of its own. The number is above
// 2. -ENOTSUP for other kinds; -EACCES if it belongs to another user.
int cs_reopen(int fd, bool is_nonblocking);
// Prepares a descriptor for a child, whose calls are to block: returns `fd`, or a new number that the caller closes; or
// -errno. A connection of ours blocks from now on, whatever refers to it. Listening sockets, and sockets that are not
// ours, are left as they are.
int cs_share(int fd, bool is_ours);

int cs_unlink(const char *path);
// Ignores SIGPIPE and SIGXFSZ, each unless the program has decided about it: the write fails with EPIPE or EFBIG.
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
