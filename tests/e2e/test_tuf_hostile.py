# SPDX-License-Identifier: Apache-2.0
"""`pintle-tuf` against servers and metadata that mean harm: refused in time, nothing kept, the next update works."""

import itertools
import json
import string
import subprocess
import time

import pytest
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import CryptoSigner

from rig.hostile import PROTOCOL, HostileServer, bomb, cut, dripping, endless, silent, status
from rig.programs import binary
from rig.tuf_peer import TOP, PeerClient, PeerRepository, serving


class World:
    """A repository on a server that does what a test says, and a client that has refreshed from it once."""

    def __init__(self, directory):
        self.directory = directory
        self.repository = PeerRepository(new_signer=CryptoSigner.generate_ed25519)
        self.repository.add_target("targets", "file", b"content of the file")
        self.repository.publish("targets")
        self.server = HostileServer(directory / "public")
        self.write()
        self.client = PeerClient(directory / "client", self.repository, self.server.url)
        assert self.client.refresh() == 0, self.client.error
        self.repository.bump_root()
        self.repository.publish("targets")
        self.write()
        self.held = self.client.versions()

    def write(self):
        metadata, targets = self.directory / "public" / "metadata", self.directory / "public" / "targets"
        for directory in (metadata, targets):
            directory.mkdir(parents=True, exist_ok=True)
        for name, data in self.repository.files.items():
            (metadata / name).write_bytes(data)
        for path, data in self.repository.contents.items():
            digest = self.repository.roles["targets"].targets[path].hashes["sha256"]
            (targets / f"{digest}.{path}").write_bytes(data)

    def recovers(self):
        self.server.rules = []
        assert self.client.download("file") == 0, self.client.error
        assert (self.client.targets / "file").read_bytes() == b"content of the file"


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.server.stop()


# ---- transfers

RULES = {**PROTOCOL,
         "endless": endless, "cut": cut, "a bomb": bomb, "500": status(500), "204": status(204),
         "a redirect": status(302, Location="/metadata/1.root.json"),
         "an empty file": lambda handler: handler.answer(200, b""),
         "a page": lambda handler: handler.answer(200, b"<html>log in to the Wi-Fi</html>")}
PLACES = ["/metadata/2.root.json", "/metadata/timestamp.json", "/metadata/3.snapshot.json", "/metadata/3.targets.json",
          "/targets/"]


@pytest.mark.parametrize("case", RULES)
def test_bad_transfers_are_refused(world, case):
    """One after another in each place: the update goes no further than that."""
    for number, place in enumerate(PLACES):
        world.server.rules = [(place, RULES[case])]
        start = time.monotonic()
        assert world.client.download("file") == 1, place
        assert time.monotonic() - start < 15, world.client.error
        assert not world.client.targets.exists() or not list(world.client.targets.iterdir())
        changed = [role for role, version, before in zip(TOP, world.client.versions(), world.held) if version != before]
        assert len(changed) == number, place
    world.recovers()


@pytest.mark.parametrize("place", ["/metadata/timestamp.json", "/targets/"])
@pytest.mark.parametrize("rule", [silent, dripping])
def test_slow_and_silent_servers_are_left(world, rule, place):
    """On a clock that runs 30 times as fast: 10 seconds below the least rate, of 300 that an update may take."""
    world.server.rules = [(place, rule)]
    world.client.speed = 30
    start = time.monotonic()
    assert world.client.download("file") == 1
    assert time.monotonic() - start < 9, world.client.error
    assert "slow" in world.client.error or "timed out" in world.client.error.lower(), world.client.error
    world.client.speed = None
    world.recovers()


def test_redirects_are_not_followed_by_pintle_tuf(world, tmp_path):
    elsewhere = HostileServer(tmp_path / "public")
    try:
        for code in (301, 302, 303, 307, 308):
            world.server.rules = [("/", lambda handler, code=code: handler.answer(
                code, b"", Location=elsewhere.url + handler.path))]
            assert world.client.download("file") == 1
            assert f"found {code}" in world.client.error
        assert elsewhere.asked == []
    finally:
        elsewhere.stop()
    world.recovers()


# ---- metadata

def sign(repository, role, signed):
    """An envelope over any JSON at all."""
    data = encode_canonical(signed).encode()
    signatures = [{"keyid": signer.public_key.keyid, "sig": signer.sign(data).signature}
                  for signer in repository.signers[role]]
    return json.dumps({"signatures": signatures, "signed": signed}).encode()


def place_of(role):
    return "/metadata/timestamp.json" if role == "timestamp" else \
        f"/metadata/{ {'root': 2, 'snapshot': 3, 'targets': 3}[role] }.{role}.json"


def refused(world, role, data, text):
    """Signed and listed or not, it is refused in time, says why, and the honest file is taken afterwards."""
    world.server.rules = [(place_of(role), lambda handler: handler.answer(200, data))]
    start = time.monotonic()
    assert world.client.download("file") == 1
    assert time.monotonic() - start < 15
    assert text in world.client.error, world.client.error
    world.recovers()


def content_of(world, role):
    name = place_of(role).removeprefix("/metadata/")
    return json.loads(world.repository.files[name])["signed"]


NUMBERS = [0, -1, 2**53, 2**63, 2**64 + 1, -2**63, 10**400]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: f"{number:.3g}" if number < 1e18 else hex(number)[:12])
@pytest.mark.parametrize("role", ["root", "timestamp"])
def test_versions_beyond_all_bounds(world, role, number):
    signed = content_of(world, role)
    signed["version"] = number
    text = '"version" must be' if -2**53 < number < 1 else "2^53-1"
    refused(world, role, sign(world.repository, role, signed), text)


def test_the_largest_version_is_taken_and_is_the_last(world):
    signed = content_of(world, "timestamp")
    signed["version"] = 2**53 - 1
    data = sign(world.repository, "timestamp", signed)
    world.server.rules = [(place_of("timestamp"), lambda handler: handler.answer(200, data))]
    assert world.client.refresh() == 0, world.client.error
    world.server.rules = []
    assert world.client.refresh() == 1
    assert "rollback" in world.client.error
    world.repository.rotate_key("timestamp")
    world.repository.publish("targets")
    world.write()
    world.recovers()


@pytest.mark.parametrize("threshold", [0, -1, 257, 2**53 - 1, 2**53, 2**63], ids=hex)
@pytest.mark.parametrize("role", ["root", "timestamp", "delegated"])
def test_thresholds_beyond_all_bounds(world, role, threshold):
    """CVE-2026-23992 and its relatives: no signature at all would do for 0."""
    if role == "delegated":
        world.repository.delegate("targets", "team", paths=["*"])
        world.repository.roles["targets"].delegations.roles["team"].threshold = threshold
        world.repository.publish("targets")
        world.write()
        assert world.client.refresh() == 1
        assert world.client.version("targets") == world.held[3]
    else:
        signed = content_of(world, "root")
        signed["roles"][role]["threshold"] = threshold
        refused(world, "root", sign(world.repository, "root", signed), "threshold" if threshold < 2**53 else "2^53-1")
        return
    assert ("threshold" if threshold < 2**53 else "2^53-1") in world.client.error


DEEP = 7000
HUGE = {
    "deep arrays": (b'{"signatures":[],"signed":' + b"[" * DEEP + b"]" * DEEP + b"}", "at most 32 nested values"),
    "deep objects": (b'{"signatures":[],"signed":' + b'{"":' * (DEEP // 4) + b"1" + b"}" * (DEEP // 4) + b"}",
                     "at most 32 nested values"),
    "open arrays": (b"[" * 16000, "at most 32 nested values"),
}


@pytest.mark.parametrize("data, text", HUGE.values(), ids=HUGE)
@pytest.mark.parametrize("role", ["root", "timestamp"])
def test_deep_json(world, role, data, text):
    refused(world, role, data, text)


@pytest.mark.parametrize("keys", [440_000, 530_000, 1_000_000])
@pytest.mark.parametrize("where", ["in the envelope", "signed"])
def test_a_million_keys(world, keys, where):
    """In the file of the largest kind, and listed as it is: too large, or of too many values, or read in time."""
    names = itertools.islice(itertools.product(string.ascii_lowercase + string.digits, repeat=4), keys)
    many = b",".join(b'"%s":0' % "".join(name).encode() for name in names)
    data = world.repository.files["3.targets.json"]
    data = (b'{"x":{' + many + b"}," + data[1:]) if where == "in the envelope" else \
        data.replace(b'"signed":{', b'"signed":{"x":{' + many + b"},")
    snapshot = content_of(world, "snapshot")
    snapshot["meta"]["targets.json"] = {"version": 3}
    timestamp = content_of(world, "timestamp")
    timestamp["meta"]["snapshot.json"] = {"version": 3}
    world.server.rules = [
        (place_of(role), lambda handler, data=data: handler.answer(200, data)) for role, data in
        (("timestamp", sign(world.repository, "timestamp", timestamp)),
         ("snapshot", sign(world.repository, "snapshot", snapshot)), ("targets", data))]
    start = time.monotonic()
    taken = world.client.refresh() == 0
    assert time.monotonic() - start < 15
    assert taken == (where == "in the envelope" and keys < 500_000), world.client.error
    if keys > 500_000:
        assert ("524288 values" if keys == 530_000 else "larger") in world.client.error


def test_json_that_is_no_metadata(world):
    """CVE-2026-23991: of the right form for JSON and of the wrong one for TUF, before any signature was looked at."""
    for place in PLACES[:2]:
        for data in (b"null", b"[]", b"{}", b'""', b"0", b'{"signatures":null,"signed":null}', b"\x00", b"\xff\xfe",
                     b'{"signatures":[[]],"signed":{}}',
                     b'{"signatures":[{"keyid":{},"sig":[]}],"signed":{"_type":"timestamp"}}',
                     b'{"signatures":[],"signed":{"_type":"timestamp","version":{},"meta":[],"spec_version":1}}'):
            world.server.rules = [(place, lambda handler, data=data: handler.answer(200, data))]
            assert world.client.refresh() == 1
            assert world.client.versions()[1:] == world.held[1:]
    world.recovers()


# ---- what others got wrong

def test_more_signatures_than_anybody_has(world):
    """CVE-2020-6173: each would cost a verification."""
    envelope = json.loads(world.repository.files["timestamp.json"])
    envelope["signatures"] += [{"keyid": f"{number:x}", "sig": "00" * 64} for number in range(80)]
    refused(world, "timestamp", json.dumps(envelope, separators=(",", ":")).encode(), "at most 64")


@pytest.mark.parametrize("how", ["the same again", "another keyid", "upper case"])
def test_one_signature_twice_is_one(world, how):
    """CVE-2020-6174, CVE-2020-15093, CVE-2026-6966."""
    root = world.repository.roles["root"]
    world.repository.add_key("timestamp")
    root.roles["timestamp"].threshold = 2
    world.repository.bump_root()
    world.write()
    first, second = [signer.public_key.keyid for signer in world.repository.signers["timestamp"]]
    envelope = json.loads(world.repository.files["timestamp.json"])
    once = envelope["signatures"][0]
    twice = {"the same again": once, "another keyid": {**once, "keyid": second},
             "upper case": {**once, "keyid": first.upper()}}[how]
    envelope["signatures"] = [once, twice]
    data = json.dumps(envelope).encode()
    world.server.rules = [(place_of("timestamp"), lambda handler: handler.answer(200, data))]
    assert world.client.refresh() == 1
    assert "same keyid" in world.client.error or "1 of 2" in world.client.error, world.client.error
    world.repository.publish("targets")
    world.write()
    world.recovers()


def test_a_root_that_failed_is_not_trusted_at_the_next_run(world):
    """CVE-2020-15163."""
    stranger = PeerRepository(new_signer=CryptoSigner.generate_ed25519)
    stranger.bump_root()
    world.server.rules = [("/metadata/2.root.json", lambda handler: handler.answer(200, stranger.files["2.root.json"]))]
    for _ in range(2):
        assert world.client.refresh() == 1
        assert "root (by its predecessor): 0 of 1" in world.client.error
        assert (world.client.metadata / "root.json").read_bytes() == world.repository.first_root
    world.recovers()


def test_a_rejected_timestamp_does_not_block_later_ones(world):
    """CVE-2025-2888: it was kept before its snapshot was looked at, and everything honest was older from then on."""
    signed = content_of(world, "timestamp")
    signed["version"], signed["expires"] = 1000, "2020-01-01T00:00:00Z"
    refused(world, "timestamp", sign(world.repository, "timestamp", signed), "expired")


@pytest.mark.parametrize("version", [1, 3, 4])
def test_the_next_root_is_the_next(world, version):
    """CVE-2025-2885."""
    signed = content_of(world, "root")
    signed["version"] = version
    refused(world, "root", sign(world.repository, "root", signed), "expected version 2")


# ---- at once

@pytest.mark.parametrize("rounds", [4])
def test_processes_at_once_in_one_directory(tmp_path, rounds):
    """Each waits for the others; all succeed, and what they leave is one repository, not a mixture."""
    repository = PeerRepository(new_signer=CryptoSigner.generate_ed25519)
    names = [f"file-{number}" for number in range(4)]
    with serving(repository) as url:
        client = PeerClient(tmp_path / "client", repository, url)
        command = [binary("pintle-tuf"), "--metadata-dir", client.metadata, "--metadata-url", f"{url}/metadata/",
                   "--target-dir", client.targets, "--target-base-url", f"{url}/targets/",
                   *(word for name in names for word in ("--target-name", name)), "download"]
        for number in range(rounds):
            for name in names:
                repository.add_target("targets", name, f"{name} {number}".encode() * 1000 * (number + 1))
            repository.bump_root()
            repository.publish("targets")
            running = [subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) for _ in range(6)]
            ended = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
            assert ended == [("", 0)] * len(running)
            assert client.versions() == (number + 2,) * 4
            assert {path.name: path.read_bytes() for path in client.targets.iterdir()} == \
                {name: repository.contents[name] for name in names}
            assert len(list(client.metadata.iterdir())) == 4
