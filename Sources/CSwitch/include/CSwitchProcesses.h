#ifndef NURSERY_CSWITCH_PROCESSES_H
#define NURSERY_CSWITCH_PROCESSES_H

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
