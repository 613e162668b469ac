// Socket addresses, and their numeric form.
//
// Sources: ip(7), ipv6(7), unix(7), inet_pton(3).
#define _GNU_SOURCE
#include "../internal.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

_Static_assert(sizeof(struct sockaddr_storage) <= 128, "an address does not fit");

void cs_address_v4(cs_address *address, const uint8_t *ip, uint16_t port) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
  memcpy(&in.sin_addr, ip, 4);
  memcpy(address->bytes, &in, sizeof in);
  address->length = sizeof in;
}

void cs_address_v6(cs_address *address, const uint8_t *ip, uint16_t port, uint32_t scope) {
  struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = scope};
  memcpy(&in.sin6_addr, ip, 16);
  memcpy(address->bytes, &in, sizeof in);
  address->length = sizeof in;
}

int cs_address_unix(cs_address *address, const uint8_t *path, size_t count) {
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  bool is_abstract = count > 0 && path[0] == 0;
  // A path ends with a zero byte, an abstract name with the address.
  if (count + (is_abstract ? 0 : 1) > sizeof un.sun_path) return -ENAMETOOLONG;
  memcpy(un.sun_path, path, count);
  memcpy(address->bytes, &un, sizeof un);
  address->length = (uint32_t)(offsetof(struct sockaddr_un, sun_path) + count + (is_abstract ? 0 : 1));
  return 0;
}

int cs_address_family(const cs_address *address) {
  if (address->length < sizeof(sa_family_t)) return CS_FAMILY_OTHER;
  switch (((const struct sockaddr *)address->bytes)->sa_family) {
    case AF_INET: return CS_FAMILY_V4;
    case AF_INET6: return CS_FAMILY_V6;
    case AF_UNIX: return CS_FAMILY_UNIX;
    default: return CS_FAMILY_OTHER;
  }
}

void cs_address_ip(const cs_address *address, uint8_t *ip, uint16_t *port, uint32_t *scope) {
  *scope = 0;
  if (cs_address_family(address) == CS_FAMILY_V4) {
    const struct sockaddr_in *in = (const struct sockaddr_in *)address->bytes;
    memcpy(ip, &in->sin_addr, 4);
    *port = ntohs(in->sin_port);
  } else {
    const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)address->bytes;
    memcpy(ip, &in->sin6_addr, 16);
    *port = ntohs(in->sin6_port);
    *scope = in->sin6_scope_id;
  }
}

size_t cs_address_path(const cs_address *address, uint8_t *path) {
  const struct sockaddr_un *un = (const struct sockaddr_un *)address->bytes;
  size_t start = offsetof(struct sockaddr_un, sun_path);
  if (address->length <= start) return 0;
  size_t count = address->length - start;
  if (un->sun_path[0] != 0) count = strnlen(un->sun_path, count);
  memcpy(path, un->sun_path, count);
  return count;
}

bool cs_address_parse(const char *text, uint16_t port, cs_address *address) {
  uint8_t ip[16];
  if (inet_pton(AF_INET, text, ip) == 1) {
    cs_address_v4(address, ip, port);
    return true;
  }
  char name[64];
  const char *percent = strchr(text, '%');
  size_t length = percent ? (size_t)(percent - text) : strlen(text);
  if (length >= sizeof name) return false;
  memcpy(name, text, length);
  name[length] = 0;
  if (inet_pton(AF_INET6, name, ip) != 1) return false;
  uint32_t scope = 0;
  if (percent) {
    const char *interface = percent + 1;
    scope = if_nametoindex(interface);
    if (scope == 0) {
      // Digits only: strtoull also accepts signs and spaces, and returns its maximum for a larger number.
      if (interface[strspn(interface, "0123456789")] != 0) return false;
      unsigned long long number = strtoull(interface, NULL, 10);
      if (number == 0 || number > UINT32_MAX) return false;
      scope = (uint32_t)number;
    }
  }
  cs_address_v6(address, ip, port, scope);
  return true;
}

void cs_address_text(const cs_address *address, char *text) {
  text[0] = 0;
  if (cs_address_family(address) == CS_FAMILY_V4) {
    inet_ntop(AF_INET, &((const struct sockaddr_in *)address->bytes)->sin_addr, text, 64);
  } else if (cs_address_family(address) == CS_FAMILY_V6) {
    const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)address->bytes;
    inet_ntop(AF_INET6, &in->sin6_addr, text, 48);
    if (in->sin6_scope_id != 0) snprintf(text + strlen(text), 16, "%%%u", in->sin6_scope_id);
  }
}
