/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * clock.h - the clocks: one that limits are measured with, and moments that
 * are written down.
 *
 * It refuses to measure a limit by the time of day, which somebody may set.
 */
#ifndef AUTHAPI_BASE_CLOCK_H
#define AUTHAPI_BASE_CLOCK_H

#include "base/status.h"

#include <stdint.h>
#include <time.h>

/* Milliseconds of CLOCK_MONOTONIC. */
static inline int64_t MUST_USE
clock_ms(void)
{
    struct timespec now = { 0, 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A moment on two clocks: the time of day, which somebody may set, and the
 * seconds since the machine was started, suspended or not. */
struct moment {
    int64_t wall;
    int64_t boot;
};

static inline struct moment MUST_USE
clock_now(void)
{
    struct timespec boot = { 0, 0 };

    (void)clock_gettime(CLOCK_BOOTTIME, &boot);
    return (struct moment){ (int64_t)time(NULL), (int64_t)boot.tv_sec };
}

/* Milliseconds since the machine was started, suspended or not. */
static inline int64_t MUST_USE
clock_boot_ms(void)
{
    struct timespec boot = { 0, 0 };

    (void)clock_gettime(CLOCK_BOOTTIME, &boot);
    return (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000;
}

/* How long poll(2) may wait until BY_MS; 0 when that is over. */
static inline int MUST_USE
clock_left(int64_t by_ms)
{
    int64_t left = by_ms - clock_ms();

    if (left <= 0)
        return 0;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

#endif
