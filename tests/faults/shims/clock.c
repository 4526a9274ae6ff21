/* Moves the wall clock of one process: CLOCK_REALTIME, gettimeofday and time are ahead by its number of nanoseconds. */
#include "lines.h"
#include <sys/time.h>
#include <time.h>

static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("CASINO_CLUB_TEST_CLOCKS");
    if (path) find_own(path);
}

int clock_gettime(clockid_t which, struct timespec *at) {
    if (!real_clock_gettime) real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real_clock_gettime(which, at);
    if (!failed && own && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        int64_t ns = at->tv_nsec + own->value % 1000000000;
        at->tv_sec += own->value / 1000000000;
        if (ns < 0) { ns += 1000000000; at->tv_sec--; }
        if (ns >= 1000000000) { ns -= 1000000000; at->tv_sec++; }
        at->tv_nsec = ns;
    }
    return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *kept) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (kept) *kept = now.tv_sec;
    return now.tv_sec;
}
