# SPDX-License-Identifier: Apache-2.0
"""Programs under another clock: from their start through libfaketime, or one that jumps while they run."""

import os
import struct
import subprocess
from pathlib import Path

from .process import RigError

ROOT = Path(__file__).resolve().parents[3]


def sweep():
    """Removes what libfaketime left in shared memory when its process was killed: it is named by process, and in the way of
    the next one of that number."""
    for path in Path("/dev/shm").glob("*faketime_*"):
        process = path.name.rpartition("_")[2]
        if process.isdigit() and not os.path.exists(f"/proc/{process}"):
            path.unlink(missing_ok=True)


def clock(offset):
    """The environment that moves a program's wall clock: "+71d", "-2d"."""
    sweep()
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise RigError("libfaketime is not installed; run tools/setup.sh test")
    return {"LD_PRELOAD": str(found[0]), "FAKETIME": offset, "DONT_FAKE_MONOTONIC": "1", "TZ": "UTC",
            "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}


class JumpingClock:
    """The wall clock of the programs that are started with .env."""

    def __init__(self, directory):
        self.file, library = directory / "wall-clock", directory / "wall_clock.so"
        self.jump(0)
        subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared", "-o", library,
                        ROOT / "tests/e2e/wall_clock.c", "-ldl"], check=True)
        self.env = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(self.file),
                    "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}

    def jump(self, seconds):
        """So far from the true time, from now on."""
        with open(self.file, "r+b" if self.file.exists() else "wb") as file:  # in place: it is mapped
            file.write(struct.pack("=q", seconds))
