/* SPDX-License-Identifier: Apache-2.0 */
#include "server/data.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/file.h"
#include "server/limits.h"

enum pintle_status pti_data_check_owner(const char *directory, struct pti_error *error)
{
    struct stat info;

    if (stat(directory, &info) != 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "--data %s cannot be used: %s", directory, strerror(errno));
    if (info.st_uid != geteuid())
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "--data %s belongs to the user with number %ld, this is the one with number %ld; run it as "
                        "the user that pintled runs as",
                        directory, (long)info.st_uid, (long)geteuid());
    return PINTLE_OK;
}

enum pintle_status pti_data_open(const char *directory, bool make, struct pti_database **database,
                                 struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = PINTLE_OK;

    *database = NULL;
    if (make)
        status = pti_file_make_directory(directory, 0700, error);
    if (status == PINTLE_OK)
        status = pti_data_check_owner(directory, error);
    if (status == PINTLE_OK)
        status = pti_file_path(path, directory, "pintled.db", error);
    if (status == PINTLE_OK && !make && !pti_file_exists(path))
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "--data %s holds no database; give the directory that pintled is started with", directory);
    if (status == PINTLE_OK)
        status = pti_database_open_sqlite(directory, database, error);
    if (status == PINTLE_OK)
        (*database)->waits = PTI_STORAGE_WAITS;
    return status;
}

enum pintle_status pti_data_lock(const char *directory, int *descriptor, struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(path, directory, "lock", error);

    if (status != PINTLE_OK)
        return status;
    if (pti_file_lock(path, 0, descriptor, error) != PINTLE_OK)
        return pti_error_prefix(error,
                                "--data %s cannot be locked; if it is in use by another pintled, stop that one or "
                                "give this one another directory",
                                directory);
    return PINTLE_OK;
}

void pti_data_actor(char *out, size_t size)
{
    const struct passwd *user = getpwuid(getuid());

    if (user)
        snprintf(out, size, "command:%s", user->pw_name);
    else
        snprintf(out, size, "command:%ld", (long)getuid());
}

enum pintle_status pti_data_random(uint8_t *out, size_t size, struct pti_error *error)
{
    int file = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t got = file >= 0 ? read(file, out, size) : -1;

    if (file >= 0)
        close(file);
    if (got != (ssize_t)size)
        return pti_fail(error, PINTLE_ERR_STORAGE, "expected %zu random bytes from /dev/urandom, found %zd", size, got);
    return PINTLE_OK;
}
