/* SPDX-License-Identifier: Apache-2.0 */
/* main() for a fuzz target without libFuzzer: runs it over every file of the directories named as arguments. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size;
    uint8_t *data = NULL;
    bool ok = false;

    if (file == NULL) {
        return false;
    }
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0) {
        /* Exactly the size of the input, so that AddressSanitizer sees a read past its end. */
        data = malloc(size > 0 ? (size_t)size : 1);
        if (data != NULL && fread(data, 1, (size_t)size, file) == (size_t)size) {
            (void)LLVMFuzzerTestOneInput(data, (size_t)size);
            ok = true;
        }
    }
    free(data);
    (void)fclose(file);
    return ok;
}

static size_t replay_directory(const char *directory)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    char path[4096];
    size_t count = 0;

    if (dir == NULL) {
        (void)fprintf(stderr, "%s: %s\n", directory, strerror(errno));
        return 0;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (!replay_file(path)) {
            (void)fprintf(stderr, "%s: cannot be read\n", path);
            count = 0;
            break;
        }
        count++;
    }
    (void)closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t count = replay_directory(argv[i]);

        if (count == 0) {
            (void)fprintf(stderr, "%s: no input to replay\n", argv[i]);
            return EXIT_FAILURE;
        }
        (void)printf("%s: %zu inputs\n", argv[i], count);
    }
    return EXIT_SUCCESS;
}
