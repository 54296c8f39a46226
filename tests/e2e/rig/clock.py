# SPDX-License-Identifier: Apache-2.0
"""Programs under another clock, through libfaketime."""

from pathlib import Path

from .process import RigError


def clock(offset):
    """The environment that moves a program's wall clock: "+71d", "-2d"."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        raise RigError("libfaketime is not installed; run tools/setup.sh test")
    return {"LD_PRELOAD": str(found[0]), "FAKETIME": offset, "DONT_FAKE_MONOTONIC": "1", "TZ": "UTC",
            "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
