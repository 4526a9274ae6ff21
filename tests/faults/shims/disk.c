/* Makes the disk of one process slow: each write to a file and each flush takes longer by its number of microseconds.
 *
 * Sockets and pipes are no files here.
 */
#include "lines.h"
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SHIM_DISKS");
    if (path) find_own(path);
}

static void wait_for(int file) {
    int64_t us = own ? own->value : 0;
    struct stat held;
    if (us <= 0 || fstat(file, &held) || !S_ISREG(held.st_mode)) return;
    struct timespec pause = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&pause, NULL);
}

int fsync(int file) { NEXT(fsync); wait_for(file); return real(file); }
int fdatasync(int file) { NEXT(fdatasync); wait_for(file); return real(file); }
ssize_t write(int file, const void *from, size_t size) { NEXT(write); wait_for(file); return real(file, from, size); }
ssize_t pwrite(int file, const void *from, size_t size, off_t at) {
    NEXT(pwrite); wait_for(file); return real(file, from, size, at);
}
ssize_t pwrite64(int file, const void *from, size_t size, off64_t at) {
    NEXT(pwrite64); wait_for(file); return real(file, from, size, at);
}
ssize_t writev(int file, const struct iovec *from, int count) { NEXT(writev); wait_for(file); return real(file, from, count); }
ssize_t pwritev(int file, const struct iovec *from, int count, off_t at) {
    NEXT(pwritev); wait_for(file); return real(file, from, count, at);
}
ssize_t pwritev64(int file, const struct iovec *from, int count, off64_t at) {
    NEXT(pwritev64); wait_for(file); return real(file, from, count, at);
}
