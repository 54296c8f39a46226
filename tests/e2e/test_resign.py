# SPDX-License-Identifier: Apache-2.0
"""`pintle resign`, as cron runs it: when it works, when it is silent, what it never touches."""

import json
import shutil
import subprocess
import sys
import threading

import pytest

from rig.clock import clock
from rig.programs import pintle


def metadata(repository, name):
    return json.loads((repository.public / "metadata" / name).read_text())["signed"]


def versions(repository):
    timestamp = metadata(repository, "timestamp.json")
    return timestamp["version"], timestamp["meta"]["snapshot.json"]["version"]


def tree(repository, *without):
    return {path: path.read_bytes() for path in sorted(repository.directory.rglob("*"))
            if path.is_file() and path.relative_to(repository.directory).parts[0] not in without}


def resign(repository, *words, at=None):
    return repository.try_run("resign", *words, env=clock(at) if at else None)


@pytest.fixture
def published(repository, backend, host):
    repository.pin(host, backend.new_key()[1])
    repository.publish()
    return repository


@pytest.mark.parametrize("at, wanted", [(None, None), ("+30h", None), ("+37h", "timestamp"),
                                        ("+100h", "timestamp and snapshot"), ("+30d", "timestamp and snapshot")])
def test_renews_what_has_lived_half_of_its_life(published, at, wanted):
    before, was = tree(published), versions(published)
    done = resign(published, at=at)
    assert (done.returncode, done.stderr) == (0, ""), done.all
    if wanted is None:
        assert done.stdout == "" and tree(published) == before
        return
    assert f"renewed    {wanted}\n" in done.stdout
    assert versions(published) == (was[0] + 1, was[1] + (wanted != "timestamp"))
    assert pintle("verify", published.directory, env=clock(at)).returncode == 0
    assert resign(published, at=at).stdout == ""  # and then there is nothing to do


def test_always_and_json(published):
    told = resign(published, "--json").json
    assert told["renewed"] is None and told["timestamp_version"] == versions(published)[0]
    told = resign(published, "--always", "--json").json
    assert told["renewed"] == "timestamp" and told["timestamp_version"] == versions(published)[0]
    assert pintle("verify", published.directory).returncode == 0


def test_the_stage_is_neither_read_nor_touched(published, backend):
    published.pin("new.example.test", backend.new_key()[1])
    before = {path: data for path, data in tree(published, "public", "app", "lock").items()}
    assert resign(published, at="+100h").returncode == 0
    assert tree(published, "public", "app", "lock") == before
    (published.directory / "stage" / "charter.json").write_text("{")  # a half-edited stage holds up nothing
    assert resign(published, at="+200h").returncode == 0
    assert versions(published)[1] == 4


def test_no_key_but_the_online_ones_signs(published, tmp_path):
    kept = tmp_path / "elsewhere"
    kept.mkdir()
    shutil.move(published.keys / "timestamp.pem", kept)
    before = tree(published)
    assert resign(published).returncode == 0  # nothing is due
    refused = resign(published, at="+37h")
    assert (refused.returncode, refused.stdout) == (66, ""), refused.all
    assert "timestamp: 0 of 1 keys are at hand" in refused.stderr
    assert tree(published) == before
    assert resign(published, "--key", kept / "timestamp.pem", at="+37h").returncode == 0


def test_without_the_snapshot_key_the_timestamp_is_renewed_all_the_same(published, tmp_path):
    shutil.move(published.keys / "snapshot.pem", tmp_path)
    was = versions(published)
    told = resign(published, at="+100h")
    assert told.returncode == 66 and "renewed    timestamp\n" in told.stdout, told.all
    assert "the timestamp was renewed, but the snapshot, which is due too, was not: snapshot: 0 of 1 keys" in told.stderr
    assert versions(published) == (was[0] + 1, was[1])
    refused = resign(published, at="+8d")  # an expired snapshot is of no use under a new timestamp
    assert (refused.returncode, refused.stdout) == (66, ""), refused.all


def test_under_a_clock_set_back_it_says_so(published):
    assert resign(published, "--always", at="+2d").returncode == 0
    before = tree(published)
    refused = resign(published)
    assert (refused.returncode, refused.stdout) == (65, ""), refused.all
    assert "this machine's clock is" in refused.stderr and "behind the last publication" in refused.stderr
    assert tree(published) == before
    assert resign(published, at="+30h").returncode == 0  # less than a day is within what clients allow for


def test_what_does_not_belong_together_is_refused(published):
    snapshot, = (published.public / "metadata").glob("2.snapshot.json")
    snapshot.write_bytes(snapshot.read_bytes().replace(b'"version":2', b'"version":3', 1))
    before = tree(published)
    refused = resign(published, "--always")
    assert (refused.returncode, refused.stdout) == (73, ""), refused.all
    assert "2.snapshot.json is not the file that the metadata list" in refused.stderr
    assert tree(published) == before


def test_an_interrupted_rotation_is_left_to_publish(published, tmp_path):
    """A root with other online keys came out alone: what was published is not theirs to renew."""
    kept = tmp_path / "kept"
    shutil.copytree(published.directory, kept)
    published.run("root", "rotate", "--online")
    published.publish()
    for path in (published.public / "metadata").glob("2.root.json"):
        shutil.copy(path, kept / "public" / "metadata")
    refused = pintle("resign", "--always", "--repo", kept)
    assert (refused.returncode, refused.stdout) == (66, ""), refused.all


def test_beside_a_publisher_it_waits_its_turn(published):
    hold = subprocess.Popen([sys.executable, "-c",
                             "import fcntl,sys;f=open(sys.argv[1],'a');fcntl.flock(f,2);print('held',flush=True);"
                             "sys.stdin.read()", published.directory / "lock"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert hold.stdout.readline() == b"held\n"
        letting_go = threading.Timer(0.5, hold.stdin.close)
        letting_go.start()
        done = resign(published, "--always")
        assert done.returncode == 0, done.all
    finally:
        hold.kill()
        hold.wait()
