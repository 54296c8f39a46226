# SPDX-License-Identifier: Apache-2.0
"""An application on the JVM (tests/jvm/drive) that does as it is told, and what it is compiled and run with."""

import itertools
import re
import subprocess
import urllib.parse
from pathlib import Path

import pytest

from .process import RigError, program
from .programs import ROOT, binary, clean_environment

SOURCES = ROOT / "tests" / "jvm"
FETCHED = ROOT / "build" / "peers" / "jvm"
DEBIAN = Path("/usr/share/java")
JVM_OPTIONS = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
# What is on the class path besides ours, by the version of OkHttp.
CLASS_PATHS = {
    "5": ["okhttp-jvm-5.5.1.jar", "okio-jvm-3.18.1.jar", "kotlin-stdlib-2.2.21.jar", "conscrypt-openjdk-uber-2.9.0.jar"],
    "4": ["okhttp-4.12.0.jar", "okio-jvm-3.6.0.jar", "kotlin-stdlib-2.2.21.jar", "conscrypt-openjdk-uber-2.9.0.jar"],
    "3": ["okhttp.jar", "okio.jar"],
}


def build_directory():
    """Where pintle.jar and libpintle_jni.so are; skips where they were not built."""
    directory = binary("pintle").parents[1]
    if not (directory / "jvm" / "pintle.jar").exists():
        pytest.skip("the jar is not built: -DPINTLE_JVM=ON, with a JDK 11 or later (tools/setup.sh test)")
    if re.search(r"^PINTLE_SANITIZE:\w+=.", (directory / "CMakeCache.txt").read_text(), re.M):
        pytest.skip("a sanitized library cannot be loaded into a JVM")
    return directory


def fetched(*names):
    """Jars from Maven Central; skips where they could not be had."""
    if not (FETCHED / ".made-from").exists():
        pytest.skip("the Java libraries of Maven Central are not here: tools/setup.sh test fetches them with Maven")
    return [FETCHED / name for name in names]


def class_path(okhttp):
    names = CLASS_PATHS[okhttp]
    return [DEBIAN / name for name in names] if okhttp == "3" else fetched(*names)


def compile_java(to, sources, path, release="11"):
    """javac; what it says against the sources fails the test."""
    done = subprocess.run(
        [program("javac"), *(f"-J{option}" for option in JVM_OPTIONS), "-g", "--release", release, "-encoding", "UTF-8",
         "-Xlint:all,-options,-try", "-Werror", "-proc:none", "-cp", ":".join(map(str, path)), "-d", to, *sources],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return to


def java_home():
    return Path(program("javac")).resolve().parents[1]


def run_java(path, main, *words):
    """A tool in Java; what it says if it fails, fails the test."""
    done = subprocess.run([program("java"), *JVM_OPTIONS, "-cp", ":".join(map(str, path)), main, *map(str, words)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Answer(dict):
    """The words of an answer; .ok, and .line as it came."""

    def __init__(self, line):
        self.line = line
        first, *words = line.split()
        super().__init__((key, urllib.parse.unquote_plus(value)) for key, _, value in (word.partition("=") for word in words))
        self.ok = first == "ok"

    def __repr__(self):
        return f"{'ok' if self.ok else 'failed'} {dict(self)}"


class Driver:
    """One JVM.  Names of hosts, ending in .test, are addresses of loopback there."""

    def __init__(self, directory, classes, path, ca, hosts, ours=None, options=()):
        directory.mkdir(parents=True)
        names = directory / "hosts"
        names.write_text("".join(f"127.0.0.1 {host}\n" for host in ["localhost", *hosts]))
        self.log = directory / "stderr.log"
        build = build_directory()
        jars = [classes, *([build / "jvm" / "pintle.jar"] if ours is None else ours), *path]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [program("setpriv"), "--pdeathsig", "KILL", program("java"), *JVM_OPTIONS, "-Xcheck:jni",
                 "-XX:+DisplayVMOutputToStderr", "-Xmx256m",
                 f"-Djava.library.path={build / 'lib'}", f"-Djdk.net.hosts.file={names}", f"-Djava.io.tmpdir={directory}",
                 *options, "-cp", ":".join(map(str, jars)), "drive.Main", str(ca)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=clean_environment(), cwd=directory)
        self.numbers = itertools.count(1)

    def ask(self, order, **words):
        """One order, whatever comes of it."""
        line = order
        for key, value in words.items():
            for one in value if isinstance(value, (list, tuple)) else [value]:
                if one is not None:
                    line += f" {key}={urllib.parse.quote(str(one), safe='/:.,-')}"
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise RigError(f"the JVM ended at {line!r}:\n{self.said()}")
        return Answer(answer)

    def do(self, order, **words):
        """One order that belongs to the preparation, and so must work."""
        answer = self.ask(order, **words)
        if not answer.ok:
            raise RigError(f"{order} {words}: {answer}\n{self.said()}")
        return answer

    def name(self, what):
        """A name that nobody has yet."""
        return f"{what}-{next(self.numbers)}"

    def said(self):
        return self.log.read_text(errors="replace")

    def stop(self):
        """Ends it in its own way.  What -Xcheck:jni says of our native code is a finding; not what it says of others'."""
        self.process.stdin.close()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()
        said = self.said()
        blamed = re.findall(r"^(?:FATAL ERROR|WARNING) in native method.*\n(?:.*\n)??\s+at (\S+)", said, re.M)
        assert not [frame for frame in blamed if frame.startswith("io.pintle.")], said
        assert self.process.returncode == 0 and "SIGSEGV" not in said, said
