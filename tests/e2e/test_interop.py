# SPDX-License-Identifier: Apache-2.0
"""Other implementations of TUF read our repositories over HTTP, and `pintle-tuf` reads theirs.

What each peer has to do stands in tests/peers/README.md.  One that is not installed is skipped, with the reason.
"""

import hashlib
import json
import os

import pytest
from tuf.api.metadata import Metadata

from pki import Workshop
from rig.peers import PEERS, Client, PeerError
from rig.peers import Peer as Maker
from rig.programs import Repository, pintle_ok
from thief import Thief, alter_signature, alter_timestamp, read_container

KEY_TYPES = ["p256", "ed25519"]
TARGETS = ("charter.json", "zones/payments.json", "zones/web-shop.json")


def pairs(peers, kinds):
    """Every peer with the first kind, and the first peer with all; every peer with every kind in make test-long."""
    return [(peer, kind) for peer in peers for kind in kinds
            if kind == kinds[0] or peer == peers[0] or "PINTLE_LONG" in os.environ]


# ---- our repositories, their clients

class History:
    """A repository of two of three people and two zones, published again and again; .stages: what was public when."""

    def __init__(self, directory, key_type):
        self.directory, self.workshop = directory, Workshop(directory / "pki")
        self.key_type, self.stages = key_type, {}
        self.repository = Repository(directory / "pins", "--name", "interop", "--key-type", key_type,
                                     "--zone", "payments", "--offline-keys", "3", "--threshold", "2")
        self.people = [directory / name for name in ("alice", "bob", "carol")]
        self.repository.take_offline(self.people)
        self.root = read_container(self.repository.roots.read_bytes())["1.root.json"]
        self.first_pins()
        self.another_zone()
        self.zone_and_root_keys()
        self.online_keys()
        self.renewals()

    def sign(self, role, *people):
        for person in people:
            number = self.people.index(self.directory / person) + 1
            self.repository.run("sign", "--key", self.directory / person / f"{role}-{number}.pem")

    def publish(self, stage, pins):
        """pins: how many the zones have then."""
        self.repository.publish()
        self.stages[stage] = (self.repository.copy_public(self.directory / "stages" / stage), pins)

    def pin(self, host, zone):
        self.repository.pin(host, self.workshop.key_file(), zone=zone)

    def first_pins(self):
        self.pin("api.example.test", "payments")
        self.sign("targets", "alice", "bob")
        self.publish("first", (1, None))

    def another_zone(self):
        self.repository.run("zone", "add", "web-shop")
        self.pin("shop.example.test", "web-shop")
        self.pin("api.example.test", "payments")
        self.sign("targets", "bob", "carol")
        self.publish("another-zone", (2, 1))

    def zone_and_root_keys(self):
        dave = self.directory / "dave.pem"
        pintle_ok("key", "new", dave, "--type", self.key_type)
        self.repository.run("zone", "rotate", "payments")
        self.sign("targets", "alice", "carol")
        self.repository.run("root", "rotate", "--old", self.directory / "alice" / "root-1.pem", "--new", dave)
        self.sign("root", "bob", "carol")
        self.publish("new-keys", (2, 1))

    def online_keys(self):
        self.repository.run("root", "rotate", "--online")
        self.sign("root", "bob", "carol")
        self.publish("new-online-keys", (2, 1))

    def renewals(self):
        self.repository.run("zone", "renew", "web-shop")
        self.pin("shop.example.test", "web-shop")
        self.repository.run("root", "renew")
        self.sign("root", "bob", "carol")
        self.publish("renewed", (2, 2))


@pytest.fixture(scope="module", params=KEY_TYPES)
def history(request, tmp_path_factory):
    return History(tmp_path_factory.mktemp(f"history-{request.param}"), request.param)


def read(client, url, pins):
    """What charter and zones say, as the client delivers them."""
    names = [name for name, wanted in zip(TARGETS, ("charter", *pins)) if wanted is not None]
    charter, *zones = [json.loads(data) for data in client.download(url, *names)]
    assert charter["type"] == "pintle-charter"
    assert [zone["type"] for zone in zones] == ["pintle-zone"] * len(zones)
    assert [sum(len(host["pins"]) for host in zone["hosts"]) for zone in zones] == [n for n in pins if n is not None]
    assert len(charter["hosts"]) == len(zones)


@pytest.mark.parametrize("peer, history", pairs([*PEERS, "pintle-tuf"], KEY_TYPES), indirect=["history"])
def test_peers_read_what_we_publish(history, nginx, tmp_path, peer):
    """One client follows every step; one is away from the first to the last and then catches up over all roots."""
    stages = [(nginx.serve_directory(public), pins) for public, pins in history.stages.values()]
    client = Client(peer, tmp_path / "client", history.root)
    read(client, *stages[0])
    away = client.copy(tmp_path / "away")
    for url, pins in stages[1:] if history.key_type == "p256" else ():
        read(client, url, pins)
    read(away, *stages[-1])


def tampered(repository, directory):
    """Copies of a repository that nobody may take, each for another reason."""
    old = repository.copy_public(directory / "old")
    repository.publish()
    online = [repository.keys / name for name in ("snapshot.pem", "timestamp.pem", "zone-main.pem")]
    altered = repository.copy_public(directory / "altered")
    alter_timestamp(altered, alter_signature)
    below = Thief(repository.public, [*online, repository.signers[0]])
    below.charter["hosts"] = []
    below.publish(directory / "below")
    mixed = Thief(repository.public, online)
    mixed.publish(directory / "mixed", edit_snapshot=lambda signed: signed["meta"]["targets.json"].update(version=1))
    return [old, altered, directory / "below", directory / "mixed"]


@pytest.mark.parametrize("peer", ["pintle-tuf", *PEERS])
def test_peers_and_we_reject_the_same_tampering(backend, team_repository, install, host, tmp_path, peer):
    repository = team_repository
    repository.pin(host, backend.new_key()[1])
    repository.sign_and_publish()
    copies = tampered(repository, tmp_path)
    root = read_container(repository.roots.read_bytes())["1.root.json"]
    good = backend.nginx.serve_directory(repository.public)
    theirs, ours = Client(peer, tmp_path / "theirs", root), install(repository, good)
    theirs.download(good, "charter.json")
    ours.check(host, connect="127.0.0.1:1")
    assert ours.accepted()
    for copy in copies:
        url = backend.nginx.serve_directory(copy)
        with pytest.raises(PeerError):
            theirs.download(url, "charter.json", "zones/main.json")
        result = ours.check(host, connect="127.0.0.1:1", urls=[url])
        assert "rejected: " in result.stderr, f"{copy}: {result.all}"


def test_every_metadata_file_parses_and_its_names_are_plain(history):
    public, _ = history.stages["renewed"]
    files = sorted((public / "metadata").glob("*.json"))
    for path in files:
        metadata = Metadata.from_bytes(path.read_bytes())
        assert metadata.signed.spec_version == "1.0.31"
        for keyid, key in getattr(metadata.signed, "keys", {}).items():
            assert keyid == key.keyid
    names = {path.name for path in files}
    assert not any("%" in name for name in names)
    assert {"1.root.json", "4.root.json", "timestamp.json", "1.targets.json", "1.payments.json"} <= names


# ---- their repositories, our client

KEYS = ("ed25519", "ecdsa", "ecdsa-sha2-nistp256", "rsa")


def bin_of(name):
    return "low" if hashlib.sha256(name.encode()).hexdigest() < "8" else "high"


SIDES = ("low", "high")
BINS = {side: {name: side for name in map("bin-{}".format, range(8)) if bin_of(name) == side} for side in SIDES}
TRAP = {side: {} if bin_of("trap") == side else {"trap": "trap"} for side in SIDES}


def plan(shift, **options):
    """Delegations of all sorts, three deep, with keys of every kind in every place as shift goes from 0 to 3."""
    def one(number, count=1, threshold=1):
        return {"keys": [KEYS[(number + shift + i) % len(KEYS)] for i in range(count)], "threshold": threshold}

    def delegation(by, name, terminating=False, **paths):
        return {"by": by, "name": name, "terminating": terminating, **paths}

    return {
        "consistent": True, "indented": False, "unknown": {},
        "roles": {"root": one(0, 3, 2), "timestamp": one(1), "snapshot": one(2), "targets": one(3),
                  "team": one(0, 2, 2), "deep": one(1), "deeper": one(2), "stop": one(3), "after": one(0), "low": one(1), "high": one(2)},
        "delegations": [
            delegation("targets", "team", paths=["team/*", "team/*/*", "team/*/*/?"]),
            delegation("team", "deep", paths=["team/deep/*", "team/deep/*/*"]),
            delegation("deep", "deeper", paths=["team/deep/*/?"]),
            delegation("targets", "stop", terminating=True, paths=["stop/*"]),
            delegation("targets", "after", paths=["stop/*", "after/*"]),
            delegation("targets", "low", path_hash_prefixes=[f"{digit:x}" for digit in range(8)]),
            delegation("targets", "high", path_hash_prefixes=[f"{digit:x}" for digit in range(8, 16)])],
        "targets": {"targets": {"top": "top"}, "team": {"team/file": "team"}, "deep": {"team/deep/file": "deep"},
                    "deeper": {"team/deep/x/y": "deeper"}, "after": {"stop/file": "after", "after/file": "after"},
                    **{side: {**BINS[side], **TRAP[side]} for side in SIDES}},
        "rotate": ["root", "timestamp", "snapshot", "targets", "team", "deep"], **options}


FOUND = {"top": "top", "team/file": "team", "team/deep/file": "deep", "team/deep/x/y": "deeper", "after/file": "after",
         **BINS["low"], **BINS["high"]}
LOST = ["stop/file", "trap"]  # behind a terminating role; listed by a role that is not trusted with its hash
PLANS = {"compact": plan(0), "indented, unknown fields, no consistent snapshots":
         plan(1, consistent=False, indented=True, unknown={"x-future": {"a": [1, {"b": None}], "\u00e9": "\n"}})}


@pytest.mark.parametrize("peer, style", pairs(PEERS, list(PLANS)))
def test_we_read_what_peers_publish(nginx, tmp_path, peer, style):
    stages = Maker(peer).make(PLANS[style], tmp_path / "repository")
    root = (stages / "1" / "metadata" / "1.root.json").read_bytes()
    client = Client("pintle-tuf", tmp_path / "client", root)
    for stage, follower in [(1, client), (2, client), (2, Client("pintle-tuf", tmp_path / "new", root))]:
        url = nginx.serve_directory(stages / str(stage))
        assert follower.download(url, *FOUND) == [f"{text} {stage}".encode() for text in FOUND.values()]
        for name in LOST:
            with pytest.raises(PeerError, match="no role that is trusted with it"):
                follower.download(url, name)
    kept = json.loads((client.directory / "metadata" / "root.json").read_bytes())
    assert kept["signed"]["version"] == 5
    assert {key["keytype"] for key in kept["signed"]["keys"].values()} == set(KEYS)
