// Changes of files and directories: inotify.
//
// Sources: inotify(7).
#define _GNU_SOURCE
#include "../internal.h"

#if defined(__linux__)

#include <sys/inotify.h>

int cs_changes_open(void) { return cs_status(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)); }

int cs_changes_watch(int fd, const char *path) {
  uint32_t mask = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                  IN_DELETE_SELF | IN_MOVE_SELF;
  return cs_status(inotify_add_watch(fd, path, mask));
}

#else  // not yet written

int cs_changes_open(void) { return -ENOSYS; }

int cs_changes_watch(int fd, const char *path) {
  (void)fd, (void)path;
  return -ENOSYS;
}

#endif
