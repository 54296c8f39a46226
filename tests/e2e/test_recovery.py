# SPDX-License-Identifier: Apache-2.0
"""docs/design.md, section 11, last column: after a theft the right keys win, and clients follow by themselves."""

import json

import pytest

from pki import spki_pin
from rig.clock import clock
from rig.peers import Client
from rig.process import LOOPBACK
from rig.programs import Repository, pintle
from thief import Thief, read_container


@pytest.fixture
def world(backend, repository, install, host):
    class World:
        site, fake = backend.serve(host), backend.serve(host)

        @classmethod
        def code(cls, site, *urls):
            return cls.client.check(host, connect=site.address, urls=list(urls) or None).returncode

    repository.pin(host, World.site.key)
    repository.publish()
    World.client = install(repository, backend.nginx.serve_directory(repository.public))
    assert World.code(World.site) == 0
    return World


def test_online_keys_are_replaced_whatever_numbers_a_thief_used_up(world, backend, repository, host, tmp_path):
    keys = [repository.keys / name for name in ("snapshot.pem", "timestamp.pem")]
    thief = Thief(repository.public, keys)
    thief.snapshot["version"] = thief.timestamp["version"] = 1_000_000
    forged = backend.nginx.serve_directory(thief.publish(tmp_path / "fast-forward"))
    assert world.code(world.site, forged) == 0
    repository.publish()
    behind = world.client.check(host, connect=world.site.address)
    assert "rollback" in behind.stderr, behind.all
    repository.run("root", "rotate", "--online")
    repository.publish()
    healed = world.client.check(host, connect=world.site.address)
    assert (healed.returncode, healed.stderr) == (0, ""), healed.all
    late = world.client.check(host, connect=world.site.address, urls=[forged])
    assert "rejected" in late.stderr, late.all
    assert world.code(world.fake) == 67
    assert pintle("verify", repository.directory).returncode == 0


def test_zone_key_is_replaced_and_the_thief_is_out(world, backend, repository, host, tmp_path):
    stolen = [repository.keys / name for name in ("zone-main.pem", "snapshot.pem", "timestamp.pem")]
    thief = Thief(repository.public, stolen)
    thief.zones["main"]["version"] = 1003
    thief.zones["main"]["hosts"][0]["pins"] = [{"sha256": spki_pin(world.fake.key_object), "of": "spki", "at": "leaf"}]
    forged = backend.nginx.serve_directory(thief.publish(tmp_path / "forged"))
    assert world.code(world.fake, forged) == 0, "the limit that the design states: a leaf pin for the zone's host"
    repository.run("zone", "rotate", "main")
    repository.run("root", "rotate", "--online")
    repository.publish()
    healed = world.client.verdict(host, connect=world.site.address)
    assert (healed["verdict"], healed["freshness"]) == ("accept", "fresh"), healed
    assert healed["zone_version"] < 1003
    assert (world.code(world.fake), world.code(world.fake, forged)) == (67, 67)


def test_root_key_is_replaced_and_clients_follow(world, backend, team_repository, install, host, tmp_path):
    repository = team_repository
    repository.pin(host, world.site.key)
    repository.sign_and_publish()
    url = backend.nginx.serve_directory(repository.public)
    root = read_container(repository.roots.read_bytes())["1.root.json"]
    ours, theirs = install(repository, url), Client("python-tuf", tmp_path / "python-tuf", root)
    assert ours.check(host, connect=world.site.address).returncode == 0
    theirs.download(url, "charter.json")
    dave = tmp_path / "dave.pem"
    pintle("key", "new", dave)
    carol = tmp_path / "carol" / "root-3.pem"
    repository.run("root", "rotate", "--old", carol, "--new", dave)
    refused = repository.try_run("publish")
    assert (refused.returncode, "of 2" in refused.stderr) == (66, True), refused.all
    for person, number in (("alice", 1), ("bob", 2)):
        repository.run("sign", "--key", tmp_path / person / f"root-{number}.pem")
    repository.publish()
    followed = ours.check(host, connect=world.site.address)
    assert (followed.returncode, followed.stderr) == (0, ""), followed.all
    assert json.loads(theirs.download(url, "charter.json")[0])["hosts"][0]["host"] == host
    assert pintle("verify", repository.directory, "--json").json["root_version"] == 2


def test_root_is_renewed_before_and_after_it_has_expired(install, backend, tmp_path, host):
    for days in ("-350d", "-380d"):
        repository = Repository(tmp_path / f"pins{days}", env=clock(days))
        client = install(repository, backend.nginx.serve_directory(repository.public))
        repository.run("root", "renew")
        repository.run("charter", "renew")
        repository.publish()
        client.check(host, connect=f"{LOOPBACK}:1")
        assert client.accepted(), "an installation with the old root follows"
        assert pintle("verify", repository.directory).returncode == 0


def test_publication_dated_in_the_future(world, repository, host):
    repository.run("publish", env=clock("+30d"))
    refused = repository.try_run("publish")
    assert refused.returncode == 65, refused.all
    assert "--clock-is-right" in refused.stderr, refused.all
    repository.run("publish", "--clock-is-right")
    result = world.client.check(host, connect=world.site.address)
    assert (result.returncode, result.stderr) == (0, ""), result.all
    assert pintle("verify", repository.directory).returncode == 0
