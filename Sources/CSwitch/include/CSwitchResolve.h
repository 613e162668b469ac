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

// Asks the system's resolver for at most `capacity` addresses of a host, best first. This may take long. Returns the
// number of addresses, or a negative code of the resolver with its text in `text` and the kind of failure in `failure`.
int cs_resolve(const char *host, cs_address *addresses, int capacity, cs_resolve_failure *failure, char *text,
               size_t text_capacity);

#ifdef __cplusplus
}
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
