# SPDX-License-Identifier: Apache-2.0
"""What an application carries: each library as it is shipped, what goes together, and whole programs; stripped files."""

import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What each configuration consists of beside libpintle.
CONFIGURATIONS = {
    "OpenSSL": ("crypto-openssl", "openssl"),
    "libcurl, with the transport": ("crypto-openssl", "openssl", "curl", "curl-transport"),
    "GnuTLS": ("crypto-mbedtls", "gnutls"),
    "mbedTLS": ("crypto-mbedtls", "mbedtls"),
    "BoringSSL": ("crypto-boringssl", "boringssl"),
}
# The example of each TLS library with ours inside (libpintle-all-NAME.a): what else it is linked with.
PROGRAMS = {
    "openssl": ("example over OpenSSL, ours inside, OpenSSL shared", "-lssl -lcrypto"),
    "mbedtls": ("example over mbedTLS, everything inside, libc too", "-static -lmbedtls -lmbedx509 -lmbedcrypto"),
}


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True).stdout


def strip(path, *options):
    run("strip", *options, path)
    return path.stat().st_size


def stripped_library(build, name, directory):
    """(bytes of the stripped file, bytes of code and constants, {section: bytes})."""
    copy = pathlib.Path(shutil.copy((build / "lib" / f"{name}.so").resolve(), directory / name))
    total = strip(copy, "--strip-unneeded")
    parts = {section: int(size) for section, size in re.findall(r"^(\.\S+) +(\d+)", run("size", "-A", copy), re.M)}
    return total, parts[".text"] + parts[".rodata"] + parts.get(".data.rel.ro", 0), parts


def libraries(build, directory, line):
    sizes = {}
    for path in sorted((build / "lib").glob("libpintle*.so")):
        total, ours, parts = stripped_library(build, path.stem, directory)
        unwind = parts[".eh_frame"] + parts[".eh_frame_hdr"]
        sizes[path.stem] = total, ours
        line(f"{path.stem}: code and constants", "",
             f"{ours / 1000:.0f} KB; the stripped file {total / 1000:.0f} KB: code {parts['.text'] / 1000:.0f}, constants "
             f"{(ours - parts['.text']) / 1000:.0f}, unwind tables {unwind / 1000:.0f}, dynamic linking and page ends "
             f"{(total - ours - unwind) / 1000:.0f}")
    return sizes


def programs(build, directory, line):
    for name, (what, needs) in PROGRAMS.items():
        archive = build / "lib" / f"libpintle-all-{name}.a"
        if archive.exists():
            program = directory / name
            run("cc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O2", "-ffunction-sections", "-Wl,--gc-sections",
                f"-I{ROOT / 'include'}", "-o", program,
                *(ROOT / "examples" / f"{part}.c" for part in (name, "example", "transport_socket")), archive,
                *needs.split(), "-pthread")
            line(what, "", f"{strip(program) / 1000:.0f} KB, stripped")


def measure(build, line):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        sizes = libraries(build, directory, line)
        for what, suffixes in CONFIGURATIONS.items():
            names = ["libpintle", *(f"libpintle-{suffix}" for suffix in suffixes)]
            if all(name in sizes for name in names):
                total, ours = (sum(sizes[name][i] for name in names) for i in (0, 1))
                line(f"core, provider and adapter for {what}", "",
                     f"{ours / 1000:.0f} KB of code and constants in {len(names)} files of {total / 1000:.0f} KB")
        programs(build, directory, line)
