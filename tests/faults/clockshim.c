/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clockshim.c - other hands on the clock, for programs it is preloaded into.
 *
 * The kernel has no namespace for the time of day, so this adds to what the C
 * library answers.  The file that CLOCKSHIM names (/run/clockshim where the
 * environment is empty, as our helper's is) holds two numbers of 64 bits:
 * seconds for the time of day, and seconds for the clocks that count from the
 * boot.  It is mapped, so whoever writes to it sets the clocks of programs
 * that run.  Pauses and kernel times stay as they are.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

struct hands {
    int64_t day_s;
    int64_t boot_s;
};

static const struct hands true_time;
static const volatile struct hands *hands = &true_time;

/* At the start, while a program of ours may still open files. */
__attribute__((constructor)) static void
find_hands(void)
{
    const char *path = getenv("CLOCKSHIM");
    int file =
        open(path != NULL ? path : "/run/clockshim", O_RDONLY | O_CLOEXEC);
    void *map;

    if (file < 0)
        return;
    map = mmap(NULL, sizeof(struct hands), PROT_READ, MAP_SHARED, file, 0);
    if (map != MAP_FAILED)
        hands = map;
    close(file);
}

EXPORT int
clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);

    if (result != 0)
        return result;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        now->tv_sec += hands->day_s;
    else if (clock == CLOCK_BOOTTIME)
        now->tv_sec += hands->boot_s;
    return 0;
}

EXPORT time_t
time(time_t *out)
{
    struct timespec now = { 0, 0 };

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}

EXPORT int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now = { 0, 0 };

    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
