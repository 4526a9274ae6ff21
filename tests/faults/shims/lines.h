/* Values that a test gives to programs while they run.
 *
 * A file holds lines of 64 bytes: the name of a program, padded with zeros to 56, and a number. A process finds its line by
 * the words it was called with, each a name or a path that ends in it, and reads the number anew whenever it needs it. Its
 * children inherit that.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct line { char name[56]; int64_t value; };
static volatile struct line *own;

static int ends_in(const char *word, const char *name) {
    size_t length = strlen(word), wanted = strlen(name);
    if (length < wanted || strcmp(word + length - wanted, name)) return 0;
    return length == wanted || word[length - wanted - 1] == '/';
}

static void find_own(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat held;
    if (file < 0 || fstat(file, &held) || !held.st_size) return;
    struct line *lines = mmap(NULL, held.st_size, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (lines == MAP_FAILED) return;
    static char words[65536];
    int called = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = called < 0 ? 0 : read(called, words, sizeof words - 1);
    close(called);
    for (size_t at = 0; at < held.st_size / sizeof(struct line); at++)
        for (char *word = words; word < words + length; word += strlen(word) + 1)
            if (ends_in(word, lines[at].name)) { own = &lines[at]; return; }
}

#define NEXT(name) static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name)

/* Some libraries are loaded so that they find the C library before us; here they are not. */
void *dlopen(const char *path, int mode) { NEXT(dlopen); return real(path, mode & ~RTLD_DEEPBIND); }
