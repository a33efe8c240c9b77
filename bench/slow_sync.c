/* Adds SLOW_SYNC_US microseconds to every fsync and fdatasync of a process, and counts them.
 * LD_PRELOAD it. SLOW_SYNC_COUNT names a file that holds the count as a 64-bit integer, shared while it runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t *count;
static struct timespec added;
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

__attribute__((constructor)) static void prepare(void) {
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    const char *micros = getenv("SLOW_SYNC_US");
    long us = micros ? atol(micros) : 0;
    added.tv_sec = us / 1000000;
    added.tv_nsec = us % 1000000 * 1000;
    const char *path = getenv("SLOW_SYNC_COUNT");
    int file = path ? open(path, O_RDWR | O_CREAT, 0600) : -1;
    if (file < 0 || ftruncate(file, sizeof *count))
        return;
    void *page = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED)
        count = page;
}

static void slow(void) {
    if (count)
        atomic_fetch_add(count, 1);
    if (added.tv_sec || added.tv_nsec)
        nanosleep(&added, NULL);
}

int fsync(int file) {
    slow();
    return real_fsync(file);
}

int fdatasync(int file) {
    slow();
    return real_fdatasync(file);
}
