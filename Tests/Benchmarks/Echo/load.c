// Drives an echo server with C connections. Each sends 64 bytes, waits until they have come back, and repeats.
//
//     load PORT CONNECTIONS SECONDS
//
// Prints: requests per second; the 50th and the 99th percentile of a request's time, in microseconds; the share of a
// processor that this program used (near 1, it was the bottleneck, not the server); and the number of all requests.
//
// One thread, edge-triggered epoll, and only a send and a receive per request, the cheapest way. A fifth of the time is
// warm-up. Latencies are counted in buckets of 1 us up to a second.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 64, BUCKETS = 1000000 };

static uint32_t buckets[BUCKETS];

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int open_connection(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

// Processor time of this program.
static int64_t used(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
         ((int64_t)usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static void report(long requests, int64_t elapsed, double share, long all) {
  long seen = 0, p50 = -1, p99 = -1;
  for (long i = 0; i < BUCKETS; i++) {
    seen += buckets[i];
    if (p50 < 0 && seen * 2 >= requests) p50 = i;
    if (p99 < 0 && seen * 100 >= requests * 99) p99 = i;
  }
  printf("%.0f %ld %ld %.3f %ld\n", (double)requests * 1e9 / (double)elapsed, p50, p99, share, all);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: load PORT CONNECTIONS SECONDS\n");
    return 2;
  }
  int port = atoi(argv[1]), count = atoi(argv[2]);
  int64_t length = (int64_t)(atof(argv[3]) * 1e9);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  int epoll = epoll_create1(EPOLL_CLOEXEC);
  int64_t *sent = calloc((size_t)count, sizeof *sent);
  int *fds = calloc((size_t)count, sizeof *fds), *got = calloc((size_t)count, sizeof *got);
  char buffer[SIZE];
  memset(buffer, 'x', sizeof buffer);
  for (int i = 0; i < count; i++) {
    fds[i] = open_connection(port);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = (uint32_t)i};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event);
  }
  int64_t start = now(), used_before = used(), counted = start + length / 5, end = counted + length;
  long requests = 0, all = 0;
  for (int i = 0; i < count; i++) {
    sent[i] = now();
    if (write(fds[i], buffer, SIZE) != SIZE) die("write");
  }
  struct epoll_event events[256];
  for (;;) {
    int ready = epoll_wait(epoll, events, 256, 10000);
    if (ready < 0 && errno != EINTR) die("epoll_wait");
    if (ready == 0) {
      fprintf(stderr, "error: nothing came back for ten seconds\n");
      return 1;
    }
    for (int e = 0; e < ready; e++) {
      uint32_t i = events[e].data.u32;
      ssize_t n = read(fds[i], buffer, (size_t)(SIZE - got[i]));
      if (n <= 0) die("read");
      if ((got[i] += (int)n) < SIZE) continue;
      got[i] = 0, all++;
      int64_t time = now(), taken = (time - sent[i]) / 1000;
      if (time >= end) {
        report(requests, end - counted, (double)(used() - used_before) / (double)(end - start), all);
        return 0;
      }
      if (time >= counted) requests++, buckets[taken < BUCKETS ? taken : BUCKETS - 1]++;
      sent[i] = time;
      if (write(fds[i], buffer, SIZE) != SIZE) die("write");
    }
  }
}
