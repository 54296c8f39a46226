# SPDX-License-Identifier: Apache-2.0
"""The classes of bindings/jvm from within, in one JVM under -Xcheck:jni, against servers that are engines in memory."""

import shutil
import subprocess

import pytest

from pki import Authority, cert_pem, key_pem, new_key, spki_pin
from rig.jvm import JVM_OPTIONS, build_directory, compile_java
from rig.process import program
from rig.programs import ROOT, Repository

HOSTS = ("leaf.test", "issuer.test", "root.test", "denied.test")


def write(directory, name, key, *certificates):
    """A server: its key, and what it sends."""
    (directory / f"{name}.pem").write_bytes(b"".join(map(cert_pem, certificates)))
    (directory / f"{name}.key").write_bytes(key_pem(key))


@pytest.fixture
def world(tmp_path, workshop):
    """Two generations; in the second the key of leaf.test is another, and what the server serves is withdrawn."""
    root, other = Authority("Unit Root"), Authority("Unit Other Root")
    issuing, twin = Authority("Unit Issuing", root), Authority("Unit Issuing", other)
    cross = Authority("Unit Issuing", other, key=issuing.key)  # the same key under the other root
    keys = {host: new_key() for host in HOSTS}
    for host, key in keys.items():
        write(tmp_path, host, key, issuing.leaf(host, key=key)[0], *issuing.chain())
    key, leaf = keys["issuer.test"], issuing.leaf("issuer.test", key=keys["issuer.test"])[0]
    write(tmp_path, "crossed", key, leaf, cross.certificate)
    write(tmp_path, "twin", key, twin.leaf("issuer.test", key=key)[0], twin.certificate, issuing.certificate)
    write(tmp_path, "appended", key, other.leaf("issuer.test", key=key)[0], issuing.certificate, root.certificate)
    write(tmp_path, "wrong-name", keys["leaf.test"], issuing.leaf("other.test", key=keys["leaf.test"])[0], *issuing.chain())
    write(tmp_path, "expired", keys["leaf.test"], issuing.leaf("leaf.test", key=keys["leaf.test"], days=(-20, -2))[0],
          *issuing.chain())
    write(tmp_path, "self-signed", keys["leaf.test"], Authority("leaf.test", key=keys["leaf.test"]).certificate)
    (tmp_path / "root.ca").write_bytes(cert_pem(root.certificate))
    (tmp_path / "issuing.ca").write_bytes(cert_pem(issuing.certificate))
    (tmp_path / "other.ca").write_bytes(cert_pem(other.certificate))

    repository = Repository(tmp_path / "pins", "--name", "unit")
    repository.run("host", "add", *HOSTS, "--zone", "main")
    ca, anchor, spare = (workshop.cert_file(a.certificate) for a in (issuing, root, twin))
    repository.run("pin", "add", "leaf.test", "--key", workshop.key_file(keys["leaf.test"]))
    repository.run("pin", "add", "issuer.test", "--cert", ca, "--at", "issuer")
    repository.run("pin", "add", "root.test", "--cert", anchor, "--at", "issuer")
    repository.run("pin", "add", "denied.test", "--key", workshop.key_file(keys["denied.test"]))
    repository.run("pin", "add", "denied.test", "--cert", spare, "--deny")
    repository.run("charter", "set", "--report-url", "https://collector.test/")
    repository.publish()
    repository.copy_public(tmp_path / "first")
    shutil.copy(repository.roots, tmp_path / "roots")
    shutil.copy(repository.shipped, tmp_path / "shipped")
    repository.run("pin", "add", "leaf.test", "--key", workshop.key_file())
    repository.run("pin", "remove", "leaf.test", spki_pin(keys["leaf.test"]))
    repository.publish()
    repository.copy_public(tmp_path / "second")
    return tmp_path


def test_unit(world, tmp_path):
    build = build_directory()
    sources = sorted((ROOT / "bindings/jvm/src/test/java").rglob("*.java"))
    (tmp_path / "classes").mkdir()
    classes = compile_java(tmp_path / "classes", sources, [build / "jvm" / "pintle.jar"])
    done = subprocess.run(
        [program("java"), *JVM_OPTIONS, "-Xcheck:jni", "-Xmx128m", f"-Djava.library.path={build / 'lib'}",
         "-cp", f"{classes}:{build / 'jvm' / 'pintle.jar'}", "io.pintle.Tests", world],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "WARNING" not in said and "FATAL" not in said, said
