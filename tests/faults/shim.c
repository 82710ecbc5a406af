// Makes a disk slow or broken, and the wall clock jump, for the program that is started with it (LD_PRELOAD).
// It changes nothing but reads of files below UNPAD_FAULTS_BELOW and CLOCK_REALTIME.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

// What the harness writes while the program runs: microseconds, an error number, seconds.
static volatile int64_t *control;
static const char *below;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("UNPAD_FAULTS_CONTROL");
  below = getenv("UNPAD_FAULTS_BELOW");
  int file = path ? open(path, O_RDONLY) : -1;
  if (file < 0) return;
  void *seen = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
  if (seen != MAP_FAILED) control = seen;
  close(file);
}

// Waits as the disk would; whether the read is to fail.
static int hits(int file) {
  if (!control || !below || (!control[0] && !control[1])) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size <= 0 || strncmp(path, below, strlen(below)) != 0) return 0;
  if (control[0]) usleep((useconds_t)control[0]);
  errno = (int)control[1];
  return control[1] != 0;
}

ssize_t read(int file, void *to, size_t most) {
  static ssize_t (*real)(int, void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "read");
  return hits(file) ? -1 : real(file, to, most);
}

ssize_t pread64(int file, void *to, size_t most, off64_t at) {
  static ssize_t (*real)(int, void *, size_t, off64_t);
  if (!real) real = dlsym(RTLD_NEXT, "pread64");
  return hits(file) ? -1 : real(file, to, most, at);
}

int clock_gettime(clockid_t which, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int failed = real(which, now);
  if (!failed && which == CLOCK_REALTIME && control) now->tv_sec += (time_t)control[2];
  return failed;
}
