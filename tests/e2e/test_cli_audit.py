# SPDX-License-Identifier: Apache-2.0
"""What the command line says is so: nothing too early, nothing that misleads, and no false alarm."""

import fcntl
import os
import shutil
import subprocess
import threading

import pytest

from pki import spki_pin
from rig.process import wait_for
from rig.programs import binary, clean_environment, pintle


def full_disk(repository, *words):
    """Runs a command that cannot write any file."""
    limit = 'ulimit -f 0; exec "$@"'
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
        assert "File too large; make room, then repeat the command" in failed.stderr
        assert repository.run("diff", "--json").stdout == before, "and nothing is staged"
        lines = repository.run(*words).stdout.splitlines()
        assert len(lines) >= 2 and lines[-1].startswith("staged, to be signed by "), lines


class TestHalfPublished:
    @pytest.mark.parametrize("place, published", [("app", True), ("public/head", False), ("public/body", False)])
    def test_a_failure_says_whether_clients_have_it(self, repository, backend, place, published):
        repository.pin("a.example", backend.new_key()[1])
        shutil.rmtree(repository.directory / place)
        (repository.directory / place).touch()
        before = repository.timestamp()
        failed = repository.try_run("publish")
        assert (failed.returncode, failed.stdout) == (73, ""), failed.all
        assert "is in the way: a directory is needed there" in failed.stderr
        assert ("it is published, but not all files are written" in failed.stderr) == published, failed.all
        assert (repository.timestamp() != before) == published
        (repository.directory / place).unlink()
        repository.publish()
        assert pintle("verify", repository.directory).returncode == 0


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
        diff = repository.run("diff", "--json").json
        assert (diff["changes"], diff["drafts"], diff["publishable"], diff["why"]) == ([], [], True, None)
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


class TestPipes:
    @pytest.mark.parametrize("words, says", [
        ("pin add a.example --key <(cat KEY)", "a.example: pin PIN spki at leaf in zone main"),
        ("pin add a.example --cert <(cat CERT) --at issuer", "the first certificate is not a CA's"),
        ("key show <(cat KEYS/root-1.pem)", "may sign in this repository:"),
        ("zone add q --key <(openssl pkey -in KEY -pubout)", "zone q: 1 of 1 keys"),
        ("diff --roots <(cat ROOTS)", "a.example: host added"),
        ("sign --key <(cat KEYS/zone-main.pem) --roots <(cat ROOTS)", "signed main"),
    ])
    def test_a_pipe_is_a_file(self, repository, authority, workshop, words, says):
        certificate, key = authority.leaf("a.example")
        names = {"KEYS": repository.keys, "ROOTS": repository.roots, "CERT": workshop.cert_file(certificate),
                 "KEY": workshop.key_file(key)}
        repository.pin("a.example", names["KEY"])
        for name, path in names.items():
            words = words.replace(name, str(path))
        done = subprocess.run(["bash", "-c", f"{binary('pintle')} {words} --repo {repository.directory}"], text=True,
                              capture_output=True, check=False, env=clean_environment())
        assert done.returncode == 0, done
        assert says.replace("PIN", spki_pin(key)) in done.stdout + done.stderr, done

    def test_given_roots_are_read_once(self, repository, tmp_path):
        """What does not verify is looked at again, and a pipe is empty then."""
        (repository.public / "head" / "1").write_bytes(b"")
        done = subprocess.run(["bash", "-c", f"{binary('pintle')} verify {repository.directory} --roots <(cat {repository.roots})"],
                              text=True, capture_output=True, check=False, env=clean_environment())
        assert done.returncode != 0
        assert "empty file" not in done.stderr, done


class TestWarnings:
    @pytest.mark.parametrize("count", [1, 2])
    def test_private_keys_that_others_may_read(self, repository, count):
        for name in ["snapshot.pem", "timestamp.pem"][:count]:
            (repository.keys / name).chmod(0o644)
        published = repository.run("publish")
        assert published.stderr.count("\n") == 1
        assert "warning: others than " in published.stderr and "chmod 600" in published.stderr
        assert ("1 more private key" in published.stderr) == (count == 2)
        shown = repository.run("key", "show", repository.keys / "snapshot.pem")
        assert shown.stderr.startswith("warning: others than its owner may read ")
        for path in repository.keys.iterdir():
            path.chmod(0o600)
        assert repository.run("publish").stderr == ""

    def test_a_public_key_is_for_everybody(self, repository, tmp_path, workshop):
        public = tmp_path / "team.pub"
        subprocess.run(["openssl", "pkey", "-in", workshop.key_file(), "-pubout", "-out", public], check=True)
        public.chmod(0o644)
        assert repository.run("zone", "add", "team", "--key", public).stderr == ""

    def test_one_key_for_two(self, repository):
        root, zone = repository.keys / "root-1.pem", repository.keys / "zone-main.pem"
        assert "signs root too, so whoever takes it has both" in repository.run("root", "add", root, "--role",
                                                                               "targets").stderr
        assert "signs zone main too" in repository.run("zone", "add", "second", "--key", zone).stderr
        assert repository.run("zone", "add", "third").stderr == ""

    @pytest.mark.parametrize("url, warned", [("http://c.example/r", True), ("https://c.example/r", False),
                                             ("http://127.0.0.1:8440/v1/reports", False), ("http://[::1]/r", False)])
    def test_reports_in_the_clear(self, repository, url, warned):
        said = repository.run("charter", "set", "--report-url", url).stderr
        assert ("everybody on the way; use https://" in said) == warned


class TestStageDrop:
    def test_nothing_is_left_of_a_draft(self, repository, backend):
        repository.pin("a.example", backend.new_key()[1])
        repository.publish()
        clean = repository.run("status", "--json").json
        repository.pin("b.example", backend.new_key()[1])
        repository.run("root", "rotate", "--online")
        repository.run("zone", "add", "payments")
        repository.run("zone", "rotate", "main")
        assert repository.run("diff", "--json").json["changes"]
        said = repository.run("stage", "drop")
        assert "nothing is staged any more" in said.stdout
        assert repository.run("diff", "--json").json["changes"] == []
        after = repository.run("status", "--json").json
        assert [role["version"] for role in after["roles"]] == [role["version"] for role in clean["roles"]]
        assert not [path for path in (repository.directory / "stage").rglob("*") if path.is_file()]
        assert "nothing was staged" in repository.publish().stdout
        repository.run("root", "rotate", "--online")  # a key change that was dropped may be made again
        repository.publish()
        assert pintle("verify", repository.directory).returncode == 0

    def test_of_a_damaged_draft(self, repository, backend):
        repository.pin("a.example", backend.new_key()[1])
        (repository.directory / "stage" / "charter.json").write_bytes(b"")
        assert repository.try_run("diff").returncode == 65
        repository.run("stage", "drop")
        assert repository.run("diff").stdout == "nothing is staged\n"
