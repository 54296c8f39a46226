# SPDX-License-Identifier: Apache-2.0
"""Small disks and read-only ones: file systems of their own, so that what runs out there runs out nowhere else."""

import os
import subprocess

import pytest

from .process import program


class Disk:
    """A file system in memory, of so many bytes, mounted at a directory until close()."""

    def __init__(self, directory, size):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([program("mount"), "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", directory],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")

    @property
    def ballast(self):
        return self.directory / "ballast"

    def fill(self, leave=0):
        """Nothing more goes onto it than so many bytes; a page is the smallest step."""
        free = os.statvfs(self.directory)
        room = free.f_bavail * free.f_bsize - leave
        with open(self.ballast, "ab") as ballast:
            ballast.write(b"\0" * max(room, 0))

    def drain(self):
        self.ballast.unlink()

    def read_only(self, yes=True):
        subprocess.run([program("mount"), "-o", "remount," + ("ro" if yes else "rw"), self.directory], check=True)

    def close(self):
        subprocess.run([program("umount"), "-l", self.directory], check=False)
