/* Preloaded into a process under test: records what it asks of the disk, and can make it fail.
 *
 * SYSCALLS_LOG    file to which one record is appended after each call has returned:
 *                 "<call> <result> <offset> <length> <path>\n", then, for writes, the bytes
 * SYSCALLS_FAULT  file whose text, while it exists, makes calls fail: "<call> <path suffix> <errno>"
 *
 * Appends to one file by one process happen in the order of the write calls, so the log's order is
 * the order in which the recorded calls returned.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int log_file = -1;
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_ftruncate)(int, off64_t);

static void start(void) {
    const char *path = getenv("SYSCALLS_LOG");
    if (path) log_file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
}

static void name_of(int file, char *name) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, PATH_MAX - 1);
    name[length < 0 ? 0 : length] = 0;
}

static int ends_with(const char *text, const char *end) {
    size_t whole = strlen(text), part = strlen(end);
    return whole >= part && !strcmp(text + whole - part, end);
}

static int fault(const char *call, int file) {
    char text[256], failing[32], suffix[64], name[PATH_MAX];
    const char *path = getenv("SYSCALLS_FAULT");
    int number = 0, found = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (found < 0) return 0;
    ssize_t length = read(found, text, sizeof text - 1);
    close(found);
    text[length < 0 ? 0 : length] = 0;
    if (sscanf(text, "%31s %63s %d", failing, suffix, &number) != 3) return 0;
    name_of(file, name);
    return !strcmp(call, failing) && ends_with(name, suffix) ? number : 0;
}

static void record(const char *call, int file, long result, off64_t offset, const void *bytes,
                   size_t length) {
    char head[PATH_MAX + 128], name[PATH_MAX];
    if (log_file < 0) return;
    int saved = errno;
    name_of(file, name);
    size_t size = bytes && result > 0 ? (size_t)result : 0;
    int head_length = snprintf(head, sizeof head, "%s %ld %lld %zu %s\n", call, result,
                               (long long)offset, bytes ? size : length, name);
    struct iovec parts[2] = {{head, head_length}, {(void *)bytes, size}};
    if (writev(log_file, parts, size ? 2 : 1) < 0) abort();
    errno = saved;
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
    pthread_once(&once, start);
    int error = fault("pwrite", file);
    ssize_t result = error ? -1 : real_pwrite(file, bytes, length, offset);
    if (error) errno = error;
    record("pwrite", file, result, offset, bytes, length);
    return result;
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
    return pwrite64(file, bytes, length, offset);
}

int ftruncate64(int file, off64_t length) {
    pthread_once(&once, start);
    int result = real_ftruncate(file, length);
    record("ftruncate", file, result, length, NULL, 0);
    return result;
}

int ftruncate(int file, off_t length) { return ftruncate64(file, length); }

int fsync(int file) {
    pthread_once(&once, start);
    int error = fault("fsync", file);
    int result = error ? -1 : real_fsync(file);
    if (error) errno = error;
    record("fsync", file, result, 0, NULL, 0);
    return result;
}

int fdatasync(int file) {
    pthread_once(&once, start);
    int error = fault("fsync", file);
    int result = error ? -1 : real_fdatasync(file);
    if (error) errno = error;
    record("fsync", file, result, 0, NULL, 0);
    return result;
}
