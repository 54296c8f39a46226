# SPDX-License-Identifier: Apache-2.0
"""The client against manifests that are signed by every right key and mean harm to whoever reads them."""

import shutil
import time

import pytest

from thief import Thief

NUMBERS = [0, -1, 2**63]  # test_tuf_hostile.py has more of them, faster
NAMES = ["../x", "x/../../y", "%2e", "a\0b", ".", "x" * 65536]


@pytest.fixture
def world(backend, repository, install, host, tmp_path):
    """A client that holds the pin of one of two sites; a thief of all keys."""
    class World:
        pinned, unpinned = backend.serve(host), backend.serve(host)

        @classmethod
        def refuses(cls, harm, text, **edits):
            """The manifest is rejected, in time; the pins stay, also in a new process; the honest one is taken."""
            thief = Thief(repository.public, list(repository.keys.glob("*.pem")))
            harm(thief)
            url = backend.nginx.serve_directory(thief.publish(tmp_path / "forged", **edits))
            held, start = cls.client.accepted(), time.monotonic()
            result = cls.client.check(host, connect=cls.pinned.address, urls=[url])
            assert time.monotonic() - start < 15
            assert result.returncode == 0 and "rejected: " in result.stderr and text in result.stderr, result.all
            assert cls.client.accepted() == held
            assert cls.client.check(host, connect=cls.unpinned.address, urls=[]).returncode == 67
            repository.publish()
            healed = cls.client.check(host, connect=cls.pinned.address)
            assert (healed.returncode, healed.stderr) == (0, ""), healed.all

    repository.pin(host, World.pinned.key)
    repository.publish()
    World.client = install(repository, backend.nginx.serve_directory(repository.public))
    assert World.client.check(host, connect=World.pinned.address).returncode == 0
    return World


def unharmed(_thief):
    """All of it is in the edits."""


@pytest.mark.parametrize("number", NUMBERS, ids=hex)
@pytest.mark.parametrize("where", ["timestamp", "snapshot"])
def test_versions_beyond_all_bounds_are_rejected(world, where, number):
    text = "from 1 to" if abs(number) < 2**53 else "2^53-1"
    if where == "timestamp":
        world.refuses(unharmed, text, edit_timestamp=lambda signed: signed.update(version=number))
    else:
        world.refuses(unharmed, text, edit_snapshot=lambda signed: signed["meta"]["main.json"].update(version=number))


@pytest.mark.parametrize("threshold", [0, -1, 2**63], ids=hex)
def test_thresholds_beyond_all_bounds_are_rejected(world, threshold):
    world.refuses(lambda thief: thief.targets["delegations"]["roles"][0].update(threshold=threshold),
                  "from 1 to 256" if threshold < 2**53 else "2^53-1")


def test_deep_and_huge_json_is_rejected(world):
    deep = 0
    for _ in range(40):
        deep = [deep]
    world.refuses(lambda thief: thief.targets.update({"x": deep}), "at most 32 nested values")


def test_a_million_keys_are_rejected(world):
    world.refuses(lambda thief: thief.zones["main"].update({"x": {f"{number:x}": 0 for number in range(560_000)}}),
                  "at most 524288 values")


class TemptingThief(Thief):
    """Delegates to one more role, by a name that means harm, and has it listed; no such file is there."""

    def __init__(self, public, keys, name):
        super().__init__(public, keys)
        self.name, roles = name, self.targets["delegations"]["roles"]
        roles.insert(0, {**roles[0], "name": name, "paths": [f"zones/{name}.json", "*"]})

    def write(self, to, roles, snapshot, timestamp):
        self.targets["delegations"]["roles"].pop(0)
        super().write(to, roles, snapshot, timestamp)


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:12]))
def test_names_of_roles_lead_nowhere(world, backend, repository, host, tmp_path, name):
    """No such role is asked for, and nothing is written for it, by way of bodies and of plain files."""
    thief = TemptingThief(repository.public, list(repository.keys.glob("*.pem")), name)
    forged = thief.publish(tmp_path / "forged", edit_snapshot=lambda snapshot: snapshot["meta"].update(
        {f"{name}.json": dict(snapshot["meta"]["main.json"])}))
    without_bodies = shutil.copytree(forged, tmp_path / "without-bodies", ignore=shutil.ignore_patterns("body", "head"))
    urls = [backend.nginx.serve_directory(directory) for directory in (forged, without_bodies)]
    before = {path for path in tmp_path.rglob("*") if "nginx" not in path.parts}
    for url in urls:
        assert world.client.check(host, connect=world.pinned.address, urls=[url]).returncode == 0
        assert world.client.check(host, connect=world.unpinned.address, urls=[url]).returncode == 67
    after = {path for path in tmp_path.rglob("*") if "nginx" not in path.parts}
    assert after - before <= {world.client.store / "reports", world.client.store / "adoption"} and not before - after
    asked = [line for line in backend.nginx.errors().splitlines() if "GET /metadata/" in line]
    assert asked and not any(odd in line for line in asked for odd in ("..", "%2", "x" * 100)), asked
