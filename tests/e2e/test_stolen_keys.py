# SPDX-License-Identifier: Apache-2.0
"""docs/design.md, section 11: what a thief of each key, who owns the network too, can do and cannot do."""

import pytest

from pki import spki_pin
from rig.clock import clock
from thief import Thief


@pytest.fixture
def world(backend, team_repository, install, host):
    """Zone main has a zone pin and a charter pin, zone payments another host; the thief has a CA-valid site."""
    class World:
        repository = team_repository
        site, other = backend.serve(host), backend.serve("pay.example.test")
        backup = backend.serve(host)
        fake, other_fake = backend.serve(host), backend.serve("pay.example.test")

        @classmethod
        def thief(cls, *names, signers=0):
            """A thief of these keys of keys/, and of so many offline keys."""
            return Thief(cls.repository.public, [cls.repository.keys / f"{name}.pem" for name in names] +
                         cls.repository.signers[:signers])

        @classmethod
        def offers(cls, thief, to, **edits):
            """From now on the client sees only what the thief has made."""
            cls.client.urls = [backend.nginx.serve_directory(thief.publish(to, **edits))]

        @classmethod
        def code(cls, site, **options):
            return cls.client.check(site.host, connect=site.address, **options).returncode

    repository = World.repository
    repository.run("zone", "add", "payments")
    repository.pin(host, World.site.key)
    repository.run("pin", "add", host, "--key", World.backup.key, "--permanent")
    repository.pin(World.other.host, World.other.key, zone="payments")
    repository.sign_and_publish()
    World.client = install(repository, backend.nginx.serve_directory(repository.public))
    assert [World.code(site) for site in (World.site, World.backup, World.other)] == [0, 0, 0]
    return World


def leaf_pin(site):
    return {"sha256": spki_pin(site.key_object), "of": "spki", "at": "leaf"}


def test_stolen_timestamp_key_freezes_until_the_snapshot_expires(world, tmp_path):
    def renew(timestamp):
        timestamp["expires"] = "2099-01-01T00:00:00Z"
        timestamp["meta"]["snapshot.json"] = frozen

    thief = world.thief("timestamp")
    frozen = dict(thief.timestamp["meta"]["snapshot.json"])
    world.offers(thief, tmp_path / "frozen", edit_timestamp=renew)
    assert world.code(world.site) == 0
    late = world.client.check(world.site.host, connect=world.site.address, env=clock("+8d"))
    assert late.returncode == 0
    assert "snapshot" in late.stderr and "expired" in late.stderr, late.all
    assert world.code(world.fake, env=clock("+8d")) == 67


def test_stolen_timestamp_key_changes_nothing(world, tmp_path):
    thief = world.thief("timestamp")
    thief.zones["main"]["hosts"][0]["pins"].append(leaf_pin(world.fake))
    world.offers(thief, tmp_path / "forged")
    result = world.client.check(world.site.host, connect=world.site.address)
    assert "rejected" in result.stderr and "snapshot" in result.stderr, result.all
    assert (world.code(world.site), world.code(world.fake)) == (0, 67)


def test_stolen_snapshot_and_timestamp_keys_cannot_change_or_roll_back(world, host, tmp_path):
    old = world.repository.copy_public(tmp_path / "old")
    world.repository.run("pin", "remove", host, spki_pin(world.site.key_object))
    world.repository.run("pin", "add", host, "--key", world.fake.key)
    world.repository.publish()
    assert (world.code(world.site), world.code(world.fake)) == (67, 0)
    thief = Thief(old, [world.repository.keys / f"{name}.pem" for name in ("snapshot", "timestamp")])
    thief.snapshot["version"] += 50
    thief.timestamp["version"] += 50
    world.offers(thief, tmp_path / "rolled-back")
    assert (world.code(world.site), world.code(world.fake)) == (67, 0)


def test_stolen_zone_key_alone_changes_nothing(world, tmp_path):
    thief = world.thief("zone-main")
    thief.zones["main"]["hosts"][0]["pins"] = [leaf_pin(world.fake)]
    world.offers(thief, tmp_path / "forged")
    assert [world.code(site) for site in (world.site, world.backup, world.fake)] == [0, 0, 67]


def test_all_online_keys_stolen(world, tmp_path):
    """An outage of zone pins and new leaf pins, yes; unpinning, charter pins, the charter: no."""
    thief = world.thief("zone-main", "zone-payments", "snapshot", "timestamp")
    main = thief.zones["main"]["hosts"][0]
    main["pins"] = []
    main["deny"] = [{"sha256": spki_pin(site.key_object), "of": "spki"} for site in (world.site, world.backup)]
    thief.zones["payments"]["hosts"] = []
    world.offers(thief, tmp_path / "forged")
    assert world.code(world.backup) == 0, "the charter's pin cannot be taken or denied"
    assert world.code(world.site) == 67, "the zone's own can"
    assert world.code(world.other) == 67, "an enforced host without any pin is refused, never unpinned"
    assert (world.code(world.fake), world.code(world.other_fake)) == (67, 67)


@pytest.mark.parametrize("edit", ["release", "drop", "report", "subdomain", "rezone", "new pin"])
@pytest.mark.parametrize("signers", [0, 1])
def test_charter_below_its_threshold(world, host, tmp_path, edit, signers):
    thief = world.thief("zone-main", "zone-payments", "snapshot", "timestamp", signers=signers)
    entry = next(entry for entry in thief.charter["hosts"] if entry["host"] == host)
    if edit in ("release", "drop"):
        thief.charter["hosts"].remove(entry)
    if edit == "release":
        thief.charter.setdefault("released", []).append(host)
    if edit == "report":
        entry["mode"] = "report"
    if edit == "subdomain":
        thief.charter["hosts"].append({"host": "example.test", "subdomains": True, "mode": "report", "zone": "main"})
    if edit == "rezone":
        entry["zone"] = "payments"
    if edit == "new pin":
        entry["pins"].append(leaf_pin(world.fake))
    world.offers(thief, tmp_path / "forged")
    result = world.client.check(host, connect=world.site.address)
    assert result.returncode == 0, result.all
    assert f"rejected: targets: {signers} of 2 " in result.stderr, result.all
    assert world.code(world.fake) == 67
    fresh = world.client.check(host, connect=world.fake.address, store=False)
    assert fresh.returncode == 66, fresh.all


def test_one_key_signing_twice_counts_once(world, tmp_path):
    """CVE-2020-6174 and others: the same signature under its own and under a second key id."""
    thief = world.thief("snapshot", "timestamp", signers=1)
    thief.charter["hosts"] = []
    honest = thief.signed_by

    def twice(signed, keyids, keys):
        import json
        envelope = json.loads(honest(signed, keyids, keys))
        if signed["_type"] == "targets":
            other = next(keyid for keyid in keyids if keyid != envelope["signatures"][0]["keyid"])
            envelope["signatures"].append({"keyid": other, "sig": envelope["signatures"][0]["sig"]})
        return json.dumps(envelope).encode()

    thief.signed_by = twice
    world.offers(thief, tmp_path / "forged")
    result = world.client.check(world.site.host, connect=world.site.address)
    assert "rejected: targets: 1 of 2 " in result.stderr, result.all


def test_whole_offline_threshold_may_release(world, host, tmp_path):
    """The control: the same tool, with enough keys, is believed."""
    thief = world.thief("zone-main", "snapshot", "timestamp", signers=2)
    thief.charter["hosts"] = [entry for entry in thief.charter["hosts"] if entry["host"] != host]
    thief.charter.setdefault("released", []).append(host)
    thief.zones["main"]["hosts"] = []
    world.offers(thief, tmp_path / "released")
    assert world.code(world.fake) == 0
