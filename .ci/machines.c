// Preloaded by .ci/machines: answers as a kernel without IPv6 would, or one with more processors than there are.
//
//     MACHINES_PROCESSORS=4    there are four, and sched_getaffinity allows all
//     MACHINES_NO_IPV6=1       socket(AF_INET6) fails with EAFNOSUPPORT
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int socket(int domain, int type, int protocol) {
  static int (*next)(int, int, int);
  if (next == NULL) next = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
  if (domain == AF_INET6 && getenv("MACHINES_NO_IPV6") != NULL) {
    errno = EAFNOSUPPORT;
    return -1;
  }
  return next(domain, type, protocol);
}

long sysconf(int name) {
  static long (*next)(int);
  if (next == NULL) next = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
  const char *processors = getenv("MACHINES_PROCESSORS");
  bool counts = name == _SC_NPROCESSORS_CONF || name == _SC_NPROCESSORS_ONLN;
  return counts && processors != NULL ? atol(processors) : next(name);
}

// The library asks with the raw call, as the kernel may have more processors than a cpu_set_t has bits.
long syscall(long number, ...) {
  static long (*next)(long, long, long, long, long, long, long);
  if (next == NULL) next = (long (*)(long, long, long, long, long, long, long))dlsym(RTLD_NEXT, "syscall");
  long arguments[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; i++) arguments[i] = va_arg(list, long);
  va_end(list);
  const char *processors = getenv("MACHINES_PROCESSORS");
  if (number == SYS_sched_getaffinity && processors != NULL) {
    unsigned long mask = (1UL << atoi(processors)) - 1;
    memcpy((void *)arguments[2], &mask, sizeof mask);
    return sizeof mask;
  }
  return next(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}
