// Names of hosts, through the system's resolver.
//
// Sources: getaddrinfo(3), gai.conf(5), RFC 6724 (the order).
#define _GNU_SOURCE
#include "../internal.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static cs_resolve_failure kind(int code) {
  switch (code) {
    case EAI_NONAME:
#if defined(EAI_NODATA)
    case EAI_NODATA:
#endif
      return CS_RESOLVE_NO_SUCH_NAME;
    case EAI_AGAIN:
      return CS_RESOLVE_TRY_AGAIN;
    default:
      return CS_RESOLVE_OTHER;
  }
}

int cs_resolve(const char *host, cs_address *addresses, int capacity, cs_resolve_failure *failure, char *text,
               size_t text_capacity) {
  // One kind of socket; otherwise every address is returned three times.
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
  int code = getaddrinfo(host, NULL, &hints, &found);
  if (code != 0) {
    *failure = kind(code);
    if (code == EAI_SYSTEM) cs_error_text(errno, text, text_capacity);
    else snprintf(text, text_capacity, "%s", gai_strerror(code));
    return code < 0 ? code : -code;
  }
  int count = 0;
  for (struct addrinfo *each = found; each && count < capacity; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    if (each->ai_addrlen > sizeof addresses->bytes) continue;
    cs_address *address = &addresses[count++];
    memset(address, 0, sizeof *address);
    memcpy(address->bytes, each->ai_addr, each->ai_addrlen);
    address->length = each->ai_addrlen;
  }
  freeaddrinfo(found);
  return count;
}
