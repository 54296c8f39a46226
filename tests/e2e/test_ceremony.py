# SPDX-License-Identifier: Apache-2.0
"""The people who sign, shown something false by whoever owns the publishing machine and every key that is online."""

import json
import shutil
import subprocess

import pytest

from rig.programs import Repository
from thief import Thief


class Officer:
    """Somebody with a targets key and the roots of the day on which it was made, who gets a copy without keys."""

    def __init__(self, directory, key, roots):
        self.directory, self.key = directory, key
        directory.mkdir()
        self.roots = shutil.copy(roots, directory / "roots")
        self.count = 0

    def receives(self, repository):
        """The copy, as a repository that commands work on."""
        self.count += 1
        copy = self.directory / f"copy-{self.count}"
        copy.mkdir()
        shutil.copy(repository.directory / "repository.json", copy)
        for part in ("public", "stage"):
            shutil.copytree(repository.directory / part, copy / part)
        received = Repository.__new__(Repository)
        received.directory, received.signers = copy, []
        return received


def signatures(repository):
    draft = repository.directory / "stage" / "metadata" / "targets.json"
    return json.loads(draft.read_text())["signatures"]


@pytest.fixture
def bank(team_repository, backend, host):
    """Two of three people have published a pin for the host."""
    team_repository.pin(host, backend.new_key()[1])
    team_repository.sign_and_publish()
    return team_repository


@pytest.fixture
def officer(bank, tmp_path):
    return Officer(tmp_path / "officer", bank.signers[1], bank.roots)


def test_an_honest_copy_is_shown_and_signed(bank, officer, backend):
    bank.pin("new.example.test", backend.new_key()[1])
    copy = officer.receives(bank)
    shown = copy.run("diff", "--json", "--roots", officer.roots).json["changes"]
    assert {change["host"] for change in shown} == {"new.example.test"}
    signed = copy.run("sign", "--key", officer.key, "--roots", officer.roots)
    assert "targets: 1 of 2 signatures" in signed.stdout
    assert signed.stderr == ""
    assert len(signatures(copy)) == 1


@pytest.mark.parametrize("anchored", [True, False])
def test_a_release_shown_as_published_long_ago(bank, officer, backend, host, tmp_path, anchored):
    """What is "published" in the copy lacks the host, so that no difference shows; only its targets are not signed."""
    thief = Thief(bank.public, [bank.keys / f"{name}.pem" for name in ("snapshot", "timestamp", "zone-main")])
    thief.charter["hosts"], thief.charter["released"] = [], [host]
    thief.zones["main"]["hosts"] = []
    forged = tmp_path / "forged"
    forged.mkdir()
    thief.publish(forged / "public")
    shutil.copy(bank.directory / "repository.json", forged)
    (forged / "stage").mkdir()
    evil = Repository.__new__(Repository)
    evil.directory = forged
    evil.pin("new.example.test", backend.new_key()[1])
    copy = officer.receives(evil)
    roots = ["--roots", officer.roots] if anchored else []
    for words in (["diff"], ["diff", "--json"], ["sign", "--key", officer.key]):
        refused = copy.try_run(*words, *roots)
        assert (refused.returncode, refused.stdout) == (66, ""), refused.all
        assert "does not verify" in refused.stderr, refused.all
    assert signatures(copy) == []


def test_a_repository_made_up_around_the_officers_keys(bank, officer, backend, host, tmp_path):
    """All of it verifies, under a root of the thief's; the officers' signatures would count in the real one."""
    made_up = Repository(tmp_path / "made-up", "--name", "team-pins")
    for number, key in enumerate(bank.signers):
        public = tmp_path / f"{number}.pub"
        subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
        made_up.run("root", "add", public, "--role", "targets")
    made_up.pin(host, backend.new_key()[1])
    made_up.publish()
    made_up.run("host", "release", host)
    made_up.publish()
    made_up.pin("new.example.test", backend.new_key()[1])
    copy = officer.receives(made_up)
    for words in (["diff"], ["sign", "--key", officer.key]):
        refused = copy.try_run(*words, "--roots", officer.roots)
        assert (refused.returncode, refused.stdout) == (66, ""), refused.all
        assert "root 1 is not the one of the trust anchor given" in refused.stderr
    assert signatures(copy) == []
    told = copy.run("sign", "--key", officer.key)  # nothing to tell it by; so it says what a person can compare
    assert "by its own word, its root 1 has SHA-256 " in told.stderr
    assert {signature["keyid"] for signature in signatures(copy)} <= set(
        json.loads((bank.public / "metadata" / "1.root.json").read_text())["signed"]["roles"]["targets"]["keyids"])


def test_roots_of_the_ceremony_last_over_rotations_and_an_old_copy_is_refused(bank, officer, tmp_path, backend):
    old = officer.receives(bank) if (bank.directory / "stage").exists() else None
    bank.run("root", "renew")
    for person in ("alice", "bob"):
        (key,) = (tmp_path / person).glob("root-*.pem")
        bank.run("sign", "--key", key)
    bank.publish()
    bank.pin("new.example.test", backend.new_key()[1])
    assert officer.receives(bank).try_run("diff", "--roots", officer.roots).returncode == 0
    refused = old.try_run("diff", "--roots", bank.roots)
    assert refused.returncode == 66, refused.all
    assert "knows root 2, what is published ends with root 1" in refused.stderr
