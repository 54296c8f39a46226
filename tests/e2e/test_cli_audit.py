# SPDX-License-Identifier: Apache-2.0
"""What the command line says is so: nothing too early, nothing that misleads, and no false alarm."""

import subprocess

import pytest

from pki import spki_pin
from rig.programs import binary, clean_environment


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
