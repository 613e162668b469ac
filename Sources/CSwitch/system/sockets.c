// Sockets. Every descriptor made here is non-blocking and close-on-exec from the beginning.
//
// Calls that move bytes use MSG_DONTWAIT nevertheless: a connection that has been handed to a child is blocking,
// because the child shares its description.
//
// Sources: socket(7), tcp(7), unix(7), ip(7), ipv6(7), accept4(2), cmsg(3).
#define _GNU_SOURCE
#include "../internal.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#if defined(__APPLE__)  // not yet verified
#define MSG_NOSIGNAL 0
#define SOCK_NONBLOCK 0
#define SOCK_CLOEXEC 0
#define MSG_CMSG_CLOEXEC 0
#endif

#define RESTARTED(call)                                                                                                \
  for (;;) {                                                                                                           \
    ssize_t result = (call);                                                                                           \
    if (result >= 0) return result;                                                                                    \
    if (errno != EINTR) return -errno;                                                                                 \
  }

// MARK: Making and connecting

static int prepare(int fd) {
#if !defined(__linux__)
  if (fd < 0) return -errno;
  int on = 1;
  (void)on;
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    int error = errno;
    close(fd);
    return -error;
  }
#if defined(SO_NOSIGPIPE)
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  return fd;
#else
  return cs_status(fd);
#endif
}

int cs_socket(int family, int kind) {
  int domain = family == CS_FAMILY_V4 ? AF_INET : family == CS_FAMILY_V6 ? AF_INET6 : AF_UNIX;
  int type = kind == 1 ? SOCK_STREAM : SOCK_DGRAM;
  return prepare(socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int cs_socket_pair(int *first, int *second) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) return -errno;
  *first = prepare(fds[0]);
  *second = prepare(fds[1]);
  return 0;
}

int cs_bind(int fd, const cs_address *address) {
  return cs_status(bind(fd, (const struct sockaddr *)address->bytes, address->length));
}

int cs_bind_private(int fd, const cs_address *address) {
#if defined(__linux__)
  // unix(7): the file gets the mode of the socket, less the umask. So it never has another one.
  if (fchmod(fd, 0600) != 0) return -errno;
  return cs_bind(fd, address);
#else  // not yet verified
  int result = cs_bind(fd, address);
  // No process can connect before listen(2).
  if (result == 0 && chmod(((const struct sockaddr_un *)address->bytes)->sun_path, 0600) != 0) return -errno;
  return result;
#endif
}

int cs_peer_user(int fd, uint32_t *user) {
#if defined(__linux__)
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -errno;
  *user = peer.uid;
#else  // not yet verified
  uid_t uid;
  gid_t group;
  if (getpeereid(fd, &uid, &group) != 0) return -errno;
  *user = uid;
#endif
  return 0;
}

int cs_listen(int fd, int backlog) { return cs_status(listen(fd, backlog)); }

int cs_connect(int fd, const cs_address *address) {
  // An interrupted connect goes on in the background, so it is treated as in progress.
  int result = cs_status(connect(fd, (const struct sockaddr *)address->bytes, address->length));
  return result == -EINTR ? -EINPROGRESS : result;
}

int cs_socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  return -error;
}

int cs_unread(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0 || !(S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode))) return 0;
  // The kernel answers for the writing end as well.
  if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) return 0;
  struct pollfd other = {.fd = fd};
  int unread = 0;
  if (poll(&other, 1, 0) != 0 || ioctl(fd, FIONREAD, &unread) != 0) return 0;
  return unread;
}

int cs_accept(int fd, cs_address *peer) {
  for (;;) {
    socklen_t length = sizeof peer->bytes;
    struct sockaddr *address = peer ? (struct sockaddr *)peer->bytes : NULL;
#if defined(__linux__)
    int result = accept4(fd, address, peer ? &length : NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    int result = accept(fd, address, peer ? &length : NULL);
#endif
    if (result < 0 && errno == EINTR) continue;
    if (result >= 0 && peer) peer->length = length;
    return prepare(result);
  }
}

int cs_shutdown(int fd, bool reading, bool writing) {
  return cs_status(shutdown(fd, reading && writing ? SHUT_RDWR : reading ? SHUT_RD : SHUT_WR));
}

int cs_local_address(int fd, cs_address *address) {
  socklen_t length = sizeof address->bytes;
  int result = cs_status(getsockname(fd, (struct sockaddr *)address->bytes, &length));
  address->length = length;
  return result;
}

int cs_peer_address(int fd, cs_address *address) {
  socklen_t length = sizeof address->bytes;
  int result = cs_status(getpeername(fd, (struct sockaddr *)address->bytes, &length));
  address->length = length;
  return result;
}

// MARK: Options

static void place(cs_option option, int *level, int *name) {
  *level = SOL_SOCKET;
  switch (option) {
    case CS_NO_DELAY: *level = IPPROTO_TCP, *name = TCP_NODELAY; return;
    case CS_REUSE_ADDRESS: *name = SO_REUSEADDR; return;
    case CS_REUSE_PORT: *name = SO_REUSEPORT; return;
    case CS_KEEP_ALIVE: *name = SO_KEEPALIVE; return;
    case CS_V6_ONLY: *level = IPPROTO_IPV6, *name = IPV6_V6ONLY; return;
    case CS_SEND_BUFFER: *name = SO_SNDBUF; return;
    case CS_RECEIVE_BUFFER: *name = SO_RCVBUF; return;
    case CS_BROADCAST: *name = SO_BROADCAST; return;
    case CS_LINGER: *name = SO_LINGER; return;
  }
}

int cs_set_option(int fd, cs_option option, int value) {
  int level, name;
  place(option, &level, &name);
  if (option == CS_LINGER) {
    struct linger linger = {.l_onoff = value >= 0, .l_linger = value < 0 ? 0 : value};
    return cs_status(setsockopt(fd, level, name, &linger, sizeof linger));
  }
  return cs_status(setsockopt(fd, level, name, &value, sizeof value));
}

int cs_get_option(int fd, cs_option option) {
  int level, name, value = 0;
  place(option, &level, &name);
  if (option == CS_LINGER) {
    struct linger linger = {0};
    socklen_t size = sizeof linger;
    if (getsockopt(fd, level, name, &linger, &size) != 0) return -errno;
    return linger.l_onoff ? linger.l_linger : -1;
  }
  socklen_t size = sizeof value;
  if (getsockopt(fd, level, name, &value, &size) != 0) return -errno;
  return value;
}

// MARK: Bytes

ssize_t cs_receive(int fd, void *buffer, size_t count) { RESTARTED(recv(fd, buffer, count, MSG_DONTWAIT)) }

ssize_t cs_send(int fd, const void *buffer, size_t count) {
  RESTARTED(send(fd, buffer, count, MSG_NOSIGNAL | MSG_DONTWAIT))
}

ssize_t cs_send_parts(int fd, const cs_part *parts, int count) {
  _Static_assert(sizeof(cs_part) == sizeof(struct iovec), "another layout");
  struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)(count > 1024 ? 1024 : count)};
  RESTARTED(sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT))
}

ssize_t cs_send_to(int fd, const void *buffer, size_t count, const cs_address *address) {
  const struct sockaddr *to = address ? (const struct sockaddr *)address->bytes : NULL;
  int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  RESTARTED(sendto(fd, buffer, count, flags, to, address ? address->length : 0))
}

ssize_t cs_receive_from(int fd, void *buffer, size_t count, cs_address *address, bool *truncated) {
  struct iovec part = {.iov_base = buffer, .iov_len = count};
  for (;;) {
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (address) message.msg_name = address->bytes, message.msg_namelen = sizeof address->bytes;
    ssize_t result = recvmsg(fd, &message, MSG_DONTWAIT);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) return -errno;
    if (address) address->length = message.msg_namelen;
    *truncated = (message.msg_flags & MSG_TRUNC) != 0;
    return result;
  }
}

// MARK: Descriptors as messages

union control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

ssize_t cs_send_descriptor(int fd, const void *buffer, size_t count, int descriptor) {
  return cs_pass_descriptor(fd, buffer, count, descriptor, MSG_DONTWAIT);
}

ssize_t cs_pass_descriptor(int fd, const void *buffer, size_t count, int descriptor, int flags) {
  union control control = {{0}};
  struct iovec part = {.iov_base = (void *)buffer, .iov_len = count};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptor);
  memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  RESTARTED(sendmsg(fd, &message, MSG_NOSIGNAL | flags))
}

ssize_t cs_receive_descriptor(int fd, void *buffer, size_t count, int *descriptor) {
  return cs_take_descriptor(fd, buffer, count, descriptor, MSG_DONTWAIT);
}

ssize_t cs_take_descriptor(int fd, void *buffer, size_t count, int *descriptor, int flags) {
  struct iovec part = {.iov_base = buffer, .iov_len = count};
  *descriptor = -1;
  for (;;) {
    union control control = {{0}};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_LEN(sizeof(int))};
    ssize_t result = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | flags);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) return -errno;
    // There is room for one descriptor. The padding behind it could hold a second one, so the length is limited. The
    // kernel closes a descriptor that does not fit or gets no number, and sets MSG_CTRUNC.
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
      memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
    }
    if (message.msg_flags & MSG_CTRUNC) {
      if (*descriptor < 0) return -EMFILE;
      close(*descriptor);
      *descriptor = -1;
      return -EMSGSIZE;
    }
    return result;
  }
}
