# SPDX-License-Identifier: Apache-2.0
"""What the command line says is so: nothing too early, nothing that misleads, and no false alarm."""

import fcntl
import os
import subprocess
import threading

import pytest

from pki import spki_pin
from rig.process import wait_for
from rig.programs import binary, clean_environment, pintle


def full_disk(repository, *words):
    """Runs a command that cannot write any file."""
    limit = 'ulimit -f 0; trap "" XFSZ; exec "$@"'
    return subprocess.run(["/bin/sh", "-c", limit, "sh", str(binary("pintle")), *map(str, words), "--repo",
                           str(repository.directory)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=clean_environment(), check=False, timeout=30)


class TestSaidOnceSaved:
    @pytest.mark.parametrize("words", [
        ["pin", "add", "a.example", "--sha256", "NEW"], ["pin", "remove", "a.example", "PIN"],
        ["host", "add", "b.example", "--zone", "main"], ["host", "release", "a.example"], ["zone", "renew", "main"],
        ["charter", "renew"], ["root", "renew"]], ids=" ".join)
    def test_an_edit_that_cannot_be_saved_says_nothing_on_stdout(self, repository, backend, words):
        first, second = backend.new_key(), backend.new_key()
        repository.pin("a.example", first[1])
        repository.publish()
        pins = {"PIN": spki_pin(first[0]), "NEW": spki_pin(second[0])}
        before = repository.run("diff", "--json").stdout
        words = [pins.get(word, word) for word in words]
        failed = full_disk(repository, *words)
        assert failed.returncode == 73, failed
        assert failed.stdout == ""
        assert repository.run("diff", "--json").stdout == before, "and nothing is staged"
        lines = repository.run(*words).stdout.splitlines()
        assert len(lines) >= 2 and lines[-1].startswith("staged, to be signed by "), lines


class TestPlaceOfPin:
    @pytest.fixture
    def files(self, authority, workshop):
        certificate, _ = authority.leaf("a.example")
        return {"chain": workshop.cert_file(certificate, *authority.chain()),
                "ca": workshop.cert_file(authority.certificate)}

    @pytest.mark.parametrize("which, words, want", [
        ("chain", ["--at", "issuer"], "it never matches at issuer"),
        ("ca", [], "did you mean --at issuer?"),
        ("chain", [], None), ("ca", ["--at", "issuer"], None), ("ca", ["--at", "any"], None),
        ("chain", ["--at", "any"], None), ("ca", ["--deny"], None)])
    def test_a_certificate_that_cannot_match_there(self, repository, files, which, words, want):
        repository.run("host", "add", "a.example", "--zone", "main")
        added = repository.run("pin", "add", "a.example", "--cert", files[which], *words)
        assert ("warning: " in added.stderr, want is None or want in added.stderr) == (want is not None, True), \
            added.all


class TestGetAndCheck:
    def test_unpinned_and_required_exclude_each_other(self, repository):
        refused = repository.try_run("get", "https://a.example/", "--insecure-unpinned", "--require")
        assert refused.returncode == 64, refused.all
        assert "--require" in refused.stderr

    @pytest.mark.parametrize("words", [["check", "a.example"], ["get", "https://a.example/"]], ids=" ".join)
    @pytest.mark.parametrize("option", ["--roots", "--shipped"])
    def test_an_empty_file_is_bad_input_not_bad_usage(self, repository, words, option):
        failed = repository.try_run(*words, option, "/dev/null")
        assert failed.returncode == 65, failed.all
        assert "/dev/null" in failed.stderr

    def test_one_line_an_attempt(self, repository, backend, ca, host):
        site = backend.serve(host)
        repository.pin(host, backend.new_key()[1])
        repository.publish()
        done = repository.try_run("get", site.url, "--connect", site.address, "--ca", ca, "--every", "1", "--count",
                                  "2")
        assert done.returncode == 67, done.all
        assert done.stderr.count("Z refused, ") == 2, done.all


class TestRelease:
    def test_of_a_host_that_was_never_published(self, repository, backend):
        repository.pin("a.example", backend.new_key()[1])
        said = repository.run("host", "release", "a.example").stdout
        assert "a.example: taken out of the stage; it is not published" in said
        assert "stop pinning" not in said

    def test_of_a_published_host(self, repository, backend):
        repository.pin("a.example", backend.new_key()[1])
        repository.publish()
        assert "once published, clients stop pinning it" in repository.run("host", "release", "a.example").stdout


class TestDiff:
    def test_json_says_whether_it_can_be_published(self, repository, backend):
        assert repository.run("diff", "--json").json == {"changes": [], "publishable": True, "why": None}
        repository.run("host", "add", "a.example", "--zone", "main")
        diff = repository.run("diff", "--json")
        assert diff.json["publishable"] is False
        assert "a.example" in diff.json["why"]
        assert f"not publishable yet: {diff.json['why']}\n" == diff.stderr
        repository.run("pin", "add", "a.example", "--key", backend.new_key()[1])
        assert repository.run("diff", "--json").json["publishable"] is True


class TestVerifyBesideAPublisher:
    @pytest.fixture
    def half_published(self, repository):
        """As between two files of a publication; returns the repository and a way to finish it."""
        old = repository.shipped.read_bytes()
        repository.publish()
        new = repository.shipped.read_bytes()
        repository.shipped.write_bytes(old)
        return repository, lambda: repository.shipped.write_bytes(new)

    @pytest.mark.parametrize("finished", [True, False])
    def test_what_disagrees_is_judged_once_the_publisher_is_done(self, half_published, finished):
        repository, finish = half_published
        lock = repository.directory / "lock"

        def waits(process):
            links = [entry.path for entry in os.scandir(f"/proc/{process.pid}/fd")]
            return any(os.path.realpath(link) == str(lock.resolve()) for link in links)

        with open(lock, "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with subprocess.Popen([binary("pintle"), "verify", repository.directory], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env=clean_environment()) as process:
                wait_for("verify to wait for the publisher", lambda: waits(process))
                if finished:
                    finish()
                fcntl.flock(held, fcntl.LOCK_UN)
                _, said = process.communicate(timeout=30)
        assert (process.returncode, "app/shipped" in said) == ((0, False) if finished else (65, True)), said

    @pytest.mark.parametrize("of", ["", "public"])
    def test_no_false_alarm(self, repository, of):
        stop = threading.Event()

        def publish():
            while not stop.is_set():
                repository.run("publish")

        publisher = threading.Thread(target=publish)
        publisher.start()
        try:
            for _ in range(20):
                verified = pintle("verify", repository.directory / of)
                assert verified.returncode == 0, verified.all
        finally:
            stop.set()
            publisher.join()

    def test_a_damaged_copy_is_still_damaged(self, repository, tmp_path):
        copy = repository.copy_public(tmp_path / "copy")
        (copy / "head" / "1").write_bytes(b"")
        assert pintle("verify", copy).returncode != 0

    def test_an_empty_trust_anchor(self, repository, tmp_path):
        empty = tmp_path / "empty"
        empty.write_bytes(b"")
        failed = pintle("verify", repository.directory, "--roots", empty)
        assert failed.returncode == 65, failed.all
        assert str(empty) in failed.stderr
