// How many processors this process may use, and whether their counters of time agree.
//
// The affinity mask says on which processors it may run; a control group's quota limits its processor time. If there
// are more workers than the quota allows, the whole process is throttled for the rest of each period.
//
// Sources: sched_getaffinity(2), cgroups(7), Documentation/admin-guide/cgroup-v2.rst (cpu.max).
#define _GNU_SOURCE
#include "../internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#if defined(__linux__)

#include <sys/syscall.h>

// Reads a small file as a string; false when it cannot be read.
static bool read_text(const char *path, char *text, size_t capacity) {
  int fd = cs_open(path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  size_t length = 0;
  ssize_t count;
  while (length + 1 < capacity && (count = cs_read(fd, text + length, capacity - 1 - length)) > 0) {
    length += (size_t)count;
  }
  cs_close(fd);
  text[length] = 0;
  return length > 0;
}

// The quota in processors, rounded up, of the group in `directory`; 0 when there is none.
static long quota(const char *directory) {
  char path[4200], text[128], *rest;
  snprintf(path, sizeof path, "%s/cpu.max", directory);
  if (!read_text(path, text, sizeof text)) return 0;
  long long allowed = strtoll(text, &rest, 10);  // "max 100000" has no number in front
  if (rest == text || allowed <= 0) return 0;
  long long period = strtoll(rest, NULL, 10);
  if (period <= 0) return 0;
  return (long)((allowed + period - 1) / period);
}

// The smallest quota from the process's own group up to the root, because each applies to all groups below it.
static long smallest_quota(void) {
  static const char root[] = "/sys/fs/cgroup";
  char groups[8192], directory[4096];
  const char *own = "/";
  if (read_text("/proc/self/cgroup", groups, sizeof groups)) {
    // One line of version 1 per controller, and one of version 2, which begins with "0::".
    for (char *rest, *line = strtok_r(groups, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
      if (strncmp(line, "0::/", 4) == 0) own = line + 3;
    }
  }
  snprintf(directory, sizeof directory, "%s%s", root, own);
  long smallest = 0;
  for (;;) {
    size_t length = strlen(directory);
    if (directory[length - 1] == '/') directory[length - 1] = 0;
    long here = quota(directory);
    if (here > 0 && (smallest == 0 || here < smallest)) smallest = here;
    char *slash = strrchr(directory, '/');
    if (slash == NULL || slash < directory + sizeof root - 1) return smallest;
    *slash = 0;
  }
}

static long affinity(void) {
  // The raw call fills in the kernel's whole mask and returns its size; cpu_set_t ends at 1,024 processors.
  unsigned long mask[1024] = {0};
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  if (bytes <= 0) return sysconf(_SC_NPROCESSORS_ONLN);
  long count = 0;
  for (size_t i = 0; i < (size_t)bytes / sizeof *mask; i++) count += __builtin_popcountl(mask[i]);
  return count;
}

int cs_processor_count(void) {
  long count = affinity(), limit = smallest_quota();
  if (limit > 0 && limit < count) count = limit;
  return count > 0 ? (int)count : 1;
}

#else

// Darwin has neither masks nor groups. Not yet verified.
int cs_processor_count(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? (int)count : 1;
}

#endif

bool cs_ticks_are_steady(void) {
#if defined(__x86_64__)
  // Invariant TSC: "Advanced power management", bit 8.
  unsigned a, b, c, d;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & (1u << 8)) != 0;
#else
  return true;
#endif
}
