# SPDX-License-Identifier: Apache-2.0
"""A token in software: SoftHSM2 with a directory of its own, so that nothing of the machine's is seen or changed."""

import shutil
import subprocess
from pathlib import Path

import pytest

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm.so", "/usr/local/lib/softhsm/libsofthsm2.so")
PIN = "123456"


class SoftHsm:
    """One token, and its PIN in a file; the environment is for whoever loads the module."""

    def __init__(self, directory, label="pins"):
        self.module = next((path for path in MODULES if Path(path).exists()), None)
        if self.module is None or shutil.which("softhsm2-util") is None:
            pytest.skip("SoftHSM2 is not installed")
        self.directory, self.label = directory, label
        (directory / "tokens").mkdir(parents=True)
        (directory / "softhsm2.conf").write_text(
            f"directories.tokendir = {directory}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        # Of sanitized programs: what SoftHSM loses is not ours; seen only by unwinding through OpenSSL.
        (directory / "leaks").write_text("leak:libsofthsm2.so\n")
        self.environment = {"SOFTHSM2_CONF": str(directory / "softhsm2.conf"), "ASAN_OPTIONS": "fast_unwind_on_malloc=0",
                            "LSAN_OPTIONS": f"suppressions={directory}/leaks:print_suppressions=0"}
        self.add_token(label)
        self.pin = directory / "pin"
        self.pin.write_text(PIN + "\n")
        self.pin.chmod(0o600)

    def add_token(self, label, pin=PIN):
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "87654321"],
                       check=True, capture_output=True, env={"PATH": "/usr/bin:/bin", **self.environment})

    def uri(self, key, more=""):
        return f"pkcs11:token={self.label};object={key}?module-path={self.module}{more}"
