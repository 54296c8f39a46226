/* SPDX-License-Identifier: Apache-2.0 */
#include "server/disk.h"

#include <stddef.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "publish/file.h"

static int64_t size_of(const char *directory, const char *name)
{
    char path[PTI_PATH_MAX];
    struct stat info;

    return pti_file_path(path, directory, name, NULL) == PINTLE_OK && stat(path, &info) == 0 ? info.st_size : 0;
}

bool pti_disk_look(const char *directory, struct pti_disk_use *use)
{
    struct statvfs info;

    if (statvfs(directory, &info) != 0 || info.f_blocks == 0)
        return false;
    use->size = (int64_t)info.f_blocks * (int64_t)info.f_frsize;
    use->available = (int64_t)info.f_bavail * (int64_t)info.f_frsize;
    use->database = size_of(directory, "pintled.db") + size_of(directory, "pintled.db-wal");
    return true;
}
