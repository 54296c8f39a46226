# SPDX-License-Identifier: Apache-2.0
"""The Debian packages: what is in them, and the life of the server's in a scratch root.  Maintainer scripts run outside
of it (dpkg's chrootless mode), so it needs no system of its own, and no service manager is talked to."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import urllib.request

import pytest

from rig.process import LOOPBACK, Process, free_port, wait_for
from rig.programs import binary
from test_pintled import report

BUILD = binary("pintled").parent.parent
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="dpkg installs as root only"),
    pytest.mark.skipif(not all(map(shutil.which, ("cpack", "dpkg", "useradd"))), reason="needs cpack, dpkg and useradd"),
    pytest.mark.skipif("asan" in BUILD.name, reason="packages are made of the release build"),
]
# What the first pintled made: the oldest database that there is.  A step that was ever released is never changed.
FIRST_SCHEMA = """
CREATE TABLE report (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, received INTEGER NOT NULL, host TEXT NOT NULL,
    type TEXT NOT NULL, reason TEXT NOT NULL, document TEXT NOT NULL) STRICT;
CREATE INDEX report_host ON report (host, seq);
CREATE TABLE version (role TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA application_id=0x504e544c; PRAGMA user_version=1;
INSERT INTO version VALUES ('timestamp 0123456789abcdef', 77);
"""


def run(*words, **options):
    done = subprocess.run([*map(str, words)], check=False, capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build_packages(directory, *components):
    run("cpack", "-G", "DEB", "-B", directory, "-D", "CPACK_COMPONENTS_ALL=" + ";".join(components),
        "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip", cwd=BUILD)
    return {path.name.split("_")[0]: path for path in directory.glob("*.deb")}


class Root:
    """A scratch root with dpkg's own files and the two that users are in."""

    def __init__(self, directory):
        self.directory = directory
        for name in ("etc", "var/log", "var/lib/dpkg/info", "var/lib/dpkg/updates", "srv"):
            (directory / name).mkdir(parents=True)
        for name in ("passwd", "group", "shadow", "gshadow"):
            (directory / "etc" / name).write_text("root:x:0:0:root:/root:/bin/sh\n" if name == "passwd" else "")
        (directory / "var/lib/dpkg/status").write_text("")

    def __truediv__(self, name):
        return self.directory / name

    def dpkg(self, *words):
        return run("dpkg", f"--root={self.directory}", "--force-script-chrootless", "--force-depends", "--no-triggers",
                   *words, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdin=subprocess.DEVNULL)

    def status(self):
        return run("dpkg-query", f"--admindir={self / 'var/lib/dpkg'}", "-W", "-f=${db:Status-Status} ${Version}", "pintled")


def check_sane(package, directory):
    run("dpkg-deb", "-R", package, directory)
    control = (directory / "DEBIAN/control").read_text()
    for field in ("Package: pintled", "Maintainer: ", "Section: ", "Priority: ", "Depends: passwd, libc6", "libsqlite3-0",
                  "libmicrohttpd12", "Description: certificate pinning: server\n"):
        assert field in control, control
    assert (directory / "DEBIAN/conffiles").read_text() == "/etc/pintle/pintled.conf\n"
    for path in directory.rglob("*"):
        name = str(path.relative_to(directory))
        mode = path.lstat().st_mode & 0o7777
        assert path.lstat().st_uid == 0 and mode & 0o7022 == 0, (name, oct(mode))
        if path.is_file() and not name.startswith("DEBIAN/"):
            assert bool(mode & 0o111) == name.startswith("usr/bin/"), name
            if "/man/" in name:
                run("gzip", "-t", path)
    scripts = [directory / "DEBIAN" / name for name in ("postinst", "prerm", "postrm")]
    run("shellcheck", *scripts)
    documents = directory / "usr/share/doc/pintled"
    assert {path.name for path in documents.iterdir()} == {
        "copyright", "changelog.Debian.gz", "openapi.yaml", "operate.md", "alerts.md", "api.md", "examples"}
    assert {path.name for path in (documents / "examples").iterdir()} == {
        "pintle-files.conf", "pintled-proxy.conf", "pintle.rules.yml", "pintle.json"}
    assert b".debug_info" not in (directory / "usr/bin/pintled").read_bytes()


@pytest.fixture
def root(tmp_path):
    return Root(tmp_path / "root")


def next_version(package, directory):
    """The same program as the next release, with another default configuration."""
    run("dpkg-deb", "-R", package, directory)
    control = directory / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1+next", control.read_text(), flags=re.M))
    (directory / "etc/pintle/pintled.conf").write_text("# new defaults\n")
    run("dpkg-deb", "-Zgzip", "-b", directory, directory.parent / "next.deb")
    return directory.parent / "next.deb"


def serve(root, tmp_path, number):
    """Starts what is installed with what is configured; returns the process and its address."""
    port = free_port()
    words = [root / "usr/bin/pintled", "--config", root / "etc/pintle/pintled.conf", "--listen", f"{LOOPBACK}:{port}"]
    assert "in order" in run(*words, "--check-config")
    process = Process(words, tmp_path / f"served-{number}.log")
    wait_for("the installed pintled", lambda: "pintled: ready" in process.output(), explain=process.output)
    return process, f"http://{LOOPBACK}:{port}"


def post(url):
    request = urllib.request.Request(url + "/v1/reports", report(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status


def test_a_sane_package_that_installs_starts_upgrades_removes_and_purges(root, repository, tmp_path):
    package = build_packages(tmp_path / "packages", "pintled")["pintled"]
    check_sane(package, tmp_path / "sane")
    root.dpkg("-i", package)
    assert root.status().startswith("installed")
    user = next(line for line in (root / "etc/passwd").read_text().splitlines() if line.startswith("pintled:")).split(":")
    data = root / "var/lib/pintled"
    assert user[6] == "/usr/sbin/nologin" and int(user[2]) < 1000
    assert (data.stat().st_mode & 0o777, data.stat().st_uid, data.stat().st_gid) == (0o700, int(user[2]), int(user[3]))
    installed = json.dumps(sorted(str(path.relative_to(root.directory)) for path in root.directory.rglob("*pintle*")))
    for name in ("usr/bin/pintled", "usr/lib/systemd/system/pintled.service", "etc/pintle/pintled.conf",
                 "usr/share/bash-completion/completions/pintled", "usr/share/doc/pintled"):
        assert f'"{name}"' in installed
    assert "ExecStart=/usr/bin/pintled --config /etc/pintle/pintled.conf\n" in (
        root / "usr/lib/systemd/system/pintled.service").read_text()

    connection = sqlite3.connect(data / "pintled.db")  # of an older installation
    connection.executescript(FIRST_SCHEMA)
    connection.close()
    os.chown(data, 0, 0)  # as this test runs it
    config = root / "etc/pintle/pintled.conf"
    config.write_text(f"repo = {repository.directory}\ndata = {data}\n")
    process, url = serve(root, tmp_path, 1)
    assert post(url) == 202
    assert process.stop() == 0

    root.dpkg("-i", "--force-confold", next_version(package, tmp_path / "unpacked"))
    assert root.status().endswith("+next") and root.status().startswith("installed")
    assert str(repository.directory) in config.read_text()
    process, url = serve(root, tmp_path, 2)
    assert post(url) == 202
    assert process.stop() == 0
    connection = sqlite3.connect(data / "pintled.db")
    assert connection.execute("SELECT id FROM report").fetchall() == [(json.loads(report())["id"],)]
    assert connection.execute("SELECT version FROM version WHERE role = 'timestamp 0123456789abcdef'").fetchone() == (77,)
    connection.close()

    root.dpkg("-r", "pintled")
    assert not (root / "usr/bin/pintled").exists() and not list((root / "usr").rglob("*pintled*"))
    assert config.exists() and (data / "pintled.db").exists()
    root.dpkg("-P", "pintled")
    assert not config.parent.exists() and not data.exists()
    assert repository.public.exists()


@pytest.mark.skipif("PINTLE_LONG" not in os.environ, reason="long")
def test_all_packages(tmp_path):
    packages = build_packages(tmp_path / "packages", "pintle", "pintled", "libpintle0", "libpintle-dev")
    assert set(packages) == {"pintle", "pintled", "libpintle0", "libpintle-dev"}
    root = Root(tmp_path / "root")
    root.dpkg("-i", *packages.values())
    libraries = [path.name for path in (root / "usr").rglob("libpintle*.so.*") if not path.is_symlink()]
    assert any(name.startswith("libpintle.so.") for name in libraries)
    assert not [name for name in libraries if re.search("gnutls|mbedtls|boringssl", name)]
    assert (root / "usr/include/pintle/client.h").exists()
    root.dpkg("-P", *packages)
    assert not list(root.directory.rglob("*pintle*.so*"))
    if shutil.which("lintian"):  # the adapter of BoringSSL lies where Debian puts that library
        said = subprocess.run(["lintian", "--allow-root", *packages.values()], check=False, capture_output=True, text=True).stdout
        assert [line for line in said.splitlines() if line.startswith("E:") and "boringssl" not in line] == []
