// Names of hosts.
#ifndef NURSERY_CSWITCH_RESOLVE_H
#define NURSERY_CSWITCH_RESOLVE_H

#include "CSwitchSockets.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cs_resolve_failure {
  CS_RESOLVE_OTHER,
  CS_RESOLVE_NO_SUCH_NAME,
  CS_RESOLVE_TRY_AGAIN,
} cs_resolve_failure;

// Asks the system's resolver for the addresses of a host, which may take long: at most `capacity` addresses, best
// first. Returns how many, or a negative code of the resolver's with the text of it in `text`, and what kind of a
// failure it is.
int cs_resolve(const char *host, cs_address *addresses, int capacity, cs_resolve_failure *failure, char *text,
               size_t text_capacity);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
