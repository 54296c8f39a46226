# SPDX-License-Identifier: Apache-2.0
"""Programs of strangers: compiled against the public headers and the built libraries, with the compiler of the build."""

import re
import subprocess

from .programs import ROOT, binary

STRICT = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g"]
LIBRARIES = ["-lpintle-openssl", "-lpintle-crypto-openssl", "-lpintle-curl-transport", "-lpintle", "-lssl", "-lcrypto"]


def build_directory():
    return binary("pintle").parents[1]


def option(name):
    """What the build was configured with; "" if nothing."""
    found = re.search(rf"^{name}:\w+=(.+)$", (build_directory() / "CMakeCache.txt").read_text(), re.M)
    return found.group(1) if found else ""


def compiler_words():
    """The compiler and sanitizer that the libraries were built with."""
    sanitize = option("PINTLE_SANITIZE")
    return [option("CMAKE_C_COMPILER"), *([f"-fsanitize={sanitize}"] if sanitize else [])]


def install(directory):
    """What `make install` puts on a developer's machine, as the environment that finds it."""
    subprocess.run(["cmake", "--install", build_directory(), "--prefix", directory / "usr"], check=True, capture_output=True)
    library = next(directory.glob("usr/lib*/**/pkgconfig")).parent
    return {"PKG_CONFIG_PATH": str(library / "pkgconfig"), "LD_LIBRARY_PATH": str(library),
            "CMAKE_PREFIX_PATH": str(directory / "usr")}


def compile_program(program, *sources, include=(), libraries=(), ours=LIBRARIES):
    """Links sources with our libraries (all of those over OpenSSL, unless told otherwise); returns the program."""
    directory = build_directory() / "lib"
    subprocess.run([*compiler_words(), *STRICT, *(f"-I{path}" for path in [*include, ROOT / "include"]), "-o", program,
                    *sources, f"-L{directory}", f"-Wl,-rpath,{directory}", *ours, *libraries], check=True)
    return program


def compile_object(source, *options):
    """Compiles alone; returns what the compiler says against it, "" if nothing."""
    done = subprocess.run([*compiler_words(), *STRICT, *options, f"-I{ROOT / 'include'}", "-c", "-o", "/dev/null", source],
                          capture_output=True, text=True, check=False)
    return done.stderr
