/* LD_PRELOAD: what a power cut would leave of the files in a folder, in another folder, at any moment.
 *
 * A disk may lose all that was not synced. So a file is copied when it is synced, as it is then, and at no other time.
 * POWER_CUT_FOLDER: whose files; POWER_CUT_KEPT: where the copies go. Real syncs are left out: nobody cuts the power. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The place of the copy of a file; 0 if it is none of ours. */
static int place_of(const char *path, char *place) {
    const char *folder = getenv("POWER_CUT_FOLDER"), *kept = getenv("POWER_CUT_KEPT");
    if (!folder || !kept) return 0;
    size_t length = strlen(folder);
    if (strncmp(path, folder, length) || path[length] != '/') return 0;
    const char *name = path + length + 1;
    if (strchr(name, '/')) return 0;
    return snprintf(place, PATH_MAX, "%s/%s", kept, name) < PATH_MAX;
}

/* Copies a file whole; a reader, or who is left by a kill, sees the old copy or the new one. */
static int keep(int file) {
    char link[64], path[PATH_MAX], place[PATH_MAX], draft[PATH_MAX + 32], *bytes;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return -1;
    path[length] = 0;
    if (!place_of(path, place)) return 0;
    struct stat status;
    if (fstat(file, &status) || !S_ISREG(status.st_mode) || !(bytes = malloc(status.st_size + 1))) return -1;
    snprintf(draft, sizeof draft, "%s.draft-%ld", place, syscall(SYS_gettid));
    int copy = open(draft, O_WRONLY | O_CREAT | O_TRUNC, 0600), failed = copy < 0;
    off_t at = 0;
    while (!failed && at < status.st_size) {
        ssize_t got = pread(file, bytes, status.st_size - at, at);
        if (got == 0) break;
        failed = got < 0 || pwrite(copy, bytes, got, at) != got;
        at += got;
    }
    free(bytes);
    if (copy >= 0) close(copy);
    return failed || rename(draft, place) ? -1 : 0;
}

int fsync(int file) { return keep(file); }

int fdatasync(int file) { return keep(file); }

/* The folder itself is taken to be on disk at once: SQLite syncs it where that counts. */
int unlink(const char *path) {
    static int (*really)(const char *);
    char whole[PATH_MAX], place[PATH_MAX];
    if (!really) really = dlsym(RTLD_NEXT, "unlink");
    if (realpath(path, whole) && place_of(whole, place)) really(place);
    return really(path);
}
