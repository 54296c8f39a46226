# SPDX-License-Identifier: Apache-2.0
"""Programs under another clock, through libfaketime."""

import os
from pathlib import Path

from .process import RigError


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
