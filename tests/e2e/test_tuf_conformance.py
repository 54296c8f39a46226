# SPDX-License-Identifier: Apache-2.0
"""`pintle-tuf` through what a conformance suite of TUF asks of a client, case by case, against python-tuf's signatures.

What test_tuf_client.py has already (order of requests, delegations, names, targets) is not repeated here.
"""

import json

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile

from rig.tuf_peer import TOP, PeerClient, in_days, peers, serving


@pytest.fixture(scope="module")
def signers():
    return [CryptoSigner.generate_ed25519() for _ in range(10)]


@pytest.fixture
def peer(tmp_path):
    """repository, client = peer(...)"""
    with peers(tmp_path, new_signer=CryptoSigner.generate_ed25519) as make:
        yield make


# ---- the first root

@pytest.mark.parametrize("harm", ["no version", "another signature", "another type", "no file"])
def test_a_bad_first_root_asks_for_nothing(peer, tmp_path, harm):
    repository, _ = peer()
    root = json.loads(repository.first_root)
    if harm == "no version":
        del root["signed"]["version"]
    elif harm == "another signature":
        root["signatures"][0]["sig"] = "00" * 64
    elif harm == "another type":
        root = json.loads(repository.files["1.targets.json"])
    repository.first_root = json.dumps(root).encode()
    client = PeerClient.__new__(PeerClient)
    client.metadata, client.repository = tmp_path / "metadata", repository
    if harm != "no file":
        (tmp_path / "bad.json").write_bytes(repository.first_root)
        assert client.run("init", tmp_path / "bad.json") == 1
        client.metadata.mkdir(exist_ok=True)
        (client.metadata / "root.json").write_bytes(repository.first_root)
    repository.requests.clear()
    assert client.run("--metadata-url", "http://127.0.0.1:1/", "refresh") == 1
    assert repository.requests == [] and "127.0.0.1" not in client.error, client.error


# ---- roots and the keys of the others: keys, threshold, who signs; the last one is taken or not

ROOTS = {
    "replaced": [([1], 1, [1]), ([2], 1, [2, 1]), ([2], 1, [2])],
    "replaced, strangers sign too": [([1], 1, [3, 1, 4]), ([2], 1, [3, 2, 1, 4]), ([2], 1, [3, 2, 4])],
    "3 of 5, any three": [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 2, 3, 4], 3, [0, 4, 1]),
                          ([0, 1, 2, 3, 4], 3, [1, 2, 3])],
    "3 of 5, one replaced": [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 1])],
    "3 of 5, all replaced": [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([5, 6, 7, 8, 9], 3, [0, 2, 4, 5, 6, 7]),
                             ([5, 6, 7, 8, 9], 3, [5, 6, 7])],
    "threshold up": [([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [1, 2])],
    "threshold down": [([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1, 2]), ([1, 2, 3], 1, [1])],
    "a key more": [([1], 1, [1]), ([1, 2], 2, [1, 2])],
    "not by the old key": [([1], 1, [1]), ([2], 1, [2, 3, 4]), False],
    "not by the new key": [([1], 1, [1]), ([2], 1, [1, 3, 4]), False],
    "not by three new ones": [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 2, 4]), False],
    "not by three old ones": [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 5]), False],
    "threshold up, not met": [([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [2]), False],
    "threshold down, the old one not met": [([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1]), False],
}


@pytest.mark.parametrize("versions", ROOTS.values(), ids=ROOTS)
def test_roots_over_time(peer, tmp_path, signers, versions):
    repository, _ = peer()
    root = repository.roles["root"]
    root.version, taken = 0, versions[-1] is not False
    for keys, threshold, signed_by in versions if taken else versions[:-1]:
        root.roles["root"].keyids.clear()
        root.roles["root"].threshold = threshold
        for number in keys:
            root.add_key(signers[number].public_key, "root")
        repository.signers["root"] = [signers[number] for number in signed_by]
        repository.bump_root()
    repository.first_root = repository.files["1.root.json"]
    with serving(repository) as url:
        client = PeerClient(tmp_path / "client", repository, url)
        assert (client.refresh() == 0) == taken, client.error
    assert client.version("root") == root.version - (not taken)
    assert (client.metadata / "root.json").read_bytes() == repository.files[f"{client.version('root')}.root.json"]


OTHERS = {
    "replaced": ([2], 1, [2], True), "strangers sign too": ([1], 1, [3, 1, 4], True),
    "not by the new key": ([2], 1, [1, 3, 4], False), "two of three": ([0, 1, 3, 4, 5], 3, [0, 2, 4], False),
    "two signatures of three": ([0, 1, 3, 4, 5], 3, [0, 4], False), "any three": ([0, 1, 2, 3, 4], 3, [4, 2, 3], True),
    "more are needed than there are": ([0, 1, 2, 3, 4], 6, [0, 1, 2, 3, 4], False),
}


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
@pytest.mark.parametrize("keys, threshold, signed_by, taken", OTHERS.values(), ids=OTHERS)
def test_keys_of_the_other_roles(peer, signers, role, keys, threshold, signed_by, taken):
    repository, client = peer()
    root = repository.roles["root"]
    root.roles[role].keyids.clear()
    root.roles[role].threshold = threshold
    for number in keys:
        root.add_key(signers[number].public_key, role)
    repository.signers[role] = [signers[number] for number in signed_by]
    repository.bump_root()
    repository.publish("targets")
    assert (client.refresh() == 0) == taken, client.error
    assert taken or client.version(role) is None


def test_a_keyid_twice_in_one_role_makes_no_threshold(peer, signers):
    repository, client = peer()
    assert client.refresh() == 0
    repository.roles["root"].add_key(signers[0].public_key, "snapshot")
    repository.roles["root"].roles["snapshot"].keyids += [signers[0].public_key.keyid] * 8
    repository.roles["root"].roles["snapshot"].threshold = 6
    repository.signers["snapshot"].append(signers[0])
    repository.bump_root()
    repository.publish("targets")
    assert client.refresh() == 1
    assert client.version("snapshot") != 2


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_each_kind_of_key_is_needed_and_checked(peer, kind):
    """One more key of root, which must sign as well; then with a signature of that kind over something else."""
    repository, client = peer()
    other = getattr(CryptoSigner, f"generate_{kind}")()
    repository.add_key("root", other)
    repository.roles["root"].roles["root"].threshold = 2
    repository.bump_root()
    assert client.refresh() == 0, client.error
    repository.bump_root()
    root = Metadata.from_bytes(repository.files["3.root.json"])
    root.signatures[other.public_key.keyid].signature = other.sign(b"something else").signature
    repository.files["3.root.json"] = root.to_bytes()
    assert client.refresh() == 1
    assert "1 of 2 required signatures" in client.error
    assert client.version("root") == 2


def test_fields_that_old_tools_wrote_change_nothing(peer):
    repository, client = peer()
    signer = CryptoSigner.generate_ed25519()
    signer.public_key.unrecognized_fields["keyid_hash_algorithms"] = ["md5"]
    repository.add_key("root", signer)
    repository.roles["root"].roles["root"].unrecognized_fields["x"] = "y"
    repository.bump_root()
    assert client.refresh() == 0, client.error
    assert client.version("root") == 2


def test_no_more_than_256_roots_in_one_update(peer):
    repository, client = peer()
    for _ in range(260):
        repository.bump_root()
    assert client.refresh() == 0, client.error
    assert client.version("root") == 257
    assert client.refresh() == 0, client.error
    assert client.version("root") == 261


# ---- what is refused, and what is kept of the rest

@pytest.mark.parametrize("role", TOP)
def test_what_came_before_an_unsigned_role_is_kept(peer, role):
    repository, client = peer()
    if role == "root":
        repository.signers["root"] = []
    else:
        repository.signers[role] = [CryptoSigner.generate_ed25519()]
    repository.bump_root()
    repository.publish("targets")
    assert client.refresh() == 1
    assert client.versions() == {"root": (1, None, None, None), "timestamp": (2, None, None, None),
                                 "snapshot": (2, 2, None, None), "targets": (2, 2, 2, None)}[role]


@pytest.mark.parametrize("role", ["root", "snapshot", "targets"])
def test_the_version_inside_is_the_one_of_the_name(peer, role):
    repository, client = peer()
    assert client.refresh() == 0
    repository.bump_root()
    repository.publish("targets")
    repository.roles[role].version = 3
    data = repository.sign(role)
    repository.files[f"2.{role}.json"] = data
    if role == "snapshot":
        repository.roles["timestamp"].snapshot_meta = MetaFile(2)
    elif role == "targets":
        repository.roles["snapshot"].meta["targets.json"] = MetaFile(2)
        repository.roles["timestamp"].snapshot_meta = MetaFile.from_data(2, repository.sign("snapshot"), ["sha256"])
    repository.sign("timestamp")
    assert client.refresh() == 1
    assert ("expected version 2, found 3" if role == "root" else "mix and match") in client.error
    assert client.version(role) == 1


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_a_role_that_is_not_there(peer, role):
    repository, client = peer()
    assert client.refresh() == 0
    repository.publish("targets")
    del repository.files["timestamp.json" if role == "timestamp" else f"2.{role}.json"]
    assert client.refresh() == 1
    assert "not found" in client.error
    assert client.asked()[-1] == ("timestamp" if role == "timestamp" else f"2.{role}")
    assert client.versions() == {"timestamp": (1, 1, 1, 1), "snapshot": (1, 2, 1, 1), "targets": (1, 2, 2, 1)}[role]


@pytest.mark.parametrize("role", ["snapshot", "targets", "team"])
@pytest.mark.parametrize("what", ["hash", "length", "longer"])
def test_a_listed_hash_and_length_bind(peer, role, what):
    repository, client = peer()
    repository.delegate("targets", "team", paths=["*"])
    repository.add_target("team", "file", b"found")
    repository.publish("targets")

    def wrong(data, version):
        meta = MetaFile.from_data(version, data, ["sha256"])
        if what == "hash":
            meta.hashes["sha256"] = "46" * 32
        else:
            meta.length += 1 if what == "length" else -1
        return meta

    snapshot, timestamp = repository.roles["snapshot"], repository.roles["timestamp"]
    if role != "snapshot":
        version = repository.roles[role].version
        snapshot.meta[f"{role}.json"] = wrong(repository.files[f"{version}.{role}.json"], version)
    data = repository.sign("snapshot")
    timestamp.snapshot_meta = (wrong(data, snapshot.version) if role == "snapshot" else
                               MetaFile.from_data(snapshot.version, data, ["sha256"]))
    repository.sign("timestamp")
    assert client.download("file") == 1
    assert {"hash": "hash", "length": "length", "longer": "larger"}[what] in client.error
    assert not (client.metadata / f"{role}.json").exists()


@pytest.mark.parametrize("role, as_role", [("snapshot", "timestamp"), ("timestamp", "snapshot"),
                                           ("targets", "snapshot"), ("snapshot", "targets")])
def test_one_type_is_not_another(peer, role, as_role):
    """Signed by the right key, complete in itself, and of the wrong type."""
    repository, client = peer()
    repository.signers[role] = [*repository.signers[as_role]]
    repository.roles["root"].add_key(repository.signers[as_role][0].public_key, role)
    repository.bump_root()
    files = dict(repository.files)
    data = repository.sign(role)
    repository.files = files
    repository.files["timestamp.json" if as_role == "timestamp" else f"1.{as_role}.json"] = data
    if as_role == "snapshot":
        repository.roles["timestamp"].snapshot_meta = MetaFile(1)
        repository.sign("timestamp")
    assert client.refresh() == 1
    assert "expected metadata of type" in client.error, client.error
    assert client.version(as_role) is None


def test_the_bytes_are_kept_as_they_came(peer):
    repository, client = peer()
    repository.files["timestamp.json"] += b" \n"
    assert client.refresh() == 0, client.error
    for role in TOP:
        name = "timestamp.json" if role == "timestamp" else f"1.{role}.json"
        assert (client.metadata / f"{role}.json").read_bytes() == repository.files[name]


@pytest.mark.parametrize("snapshot_version", [1, 100])
def test_a_timestamp_of_equal_version_is_discarded_whatever_it_says(peer, snapshot_version):
    repository, client = peer()
    repository.publish("targets")
    assert client.refresh() == 0
    kept = (client.metadata / "timestamp.json").read_bytes()
    repository.roles["timestamp"].snapshot_meta = MetaFile(snapshot_version)
    repository.sign("timestamp")
    assert client.refresh() == 0, client.error
    assert client.asked() == ["2.root", "timestamp"]
    assert (client.metadata / "timestamp.json").read_bytes() == kept


def test_a_discarded_timestamp_does_not_hide_what_is_missing_or_expired(peer):
    repository, client = peer()
    assert client.refresh() == 0
    (client.metadata / "snapshot.json").unlink()
    (client.metadata / "targets.json").unlink()
    assert client.refresh() == 0, client.error
    assert client.versions() == (1, 1, 1, 1)
    repository.roles["timestamp"].expires = repository.roles["root"].expires = in_days(60)
    repository.bump_root()
    repository.sign("timestamp")
    assert client.refresh(days=31) == 1
    assert "timestamp: version 1 expired" in client.error


# ---- rollback, and the way back

@pytest.mark.parametrize("hashes", [False, True])
@pytest.mark.parametrize("role", ["snapshot", "targets", "team"])
def test_a_rollback_that_is_signed_and_listed(peer, role, hashes):
    """By the online keys: the number of what is listed goes down, that of the list goes up."""
    repository, client = peer()
    repository.delegate("targets", "team", paths=["*"])
    repository.add_target("team", "file", b"found")
    repository.publish("targets", "team")
    repository.publish("targets", "team")
    assert client.download("file") == 0, client.error
    held = client.versions()
    snapshot, timestamp = repository.roles["snapshot"], repository.roles["timestamp"]
    if role == "snapshot":
        snapshot.version = 1
    else:
        snapshot.version += 1
        snapshot.meta[f"{role}.json"].version = 1
    timestamp.version += 1
    data = repository.sign("snapshot")
    timestamp.snapshot_meta = MetaFile(snapshot.version)
    if hashes:
        timestamp.snapshot_meta = MetaFile.from_data(snapshot.version, data, ["sha256"])
    repository.sign("timestamp")
    assert client.download("file") == 1
    assert "rollback" in client.error
    assert client.versions()[2:] == held[2:]


def test_a_role_never_vanishes_from_the_snapshot(peer):
    repository, client = peer()
    repository.delegate("targets", "team", paths=["*"])
    repository.publish("targets")
    assert client.refresh() == 0
    del repository.roles["snapshot"].meta["team.json"]
    repository.roles["snapshot"].version += 1
    repository.roles["timestamp"].version += 1
    repository.roles["timestamp"].snapshot_meta = MetaFile.from_data(repository.roles["snapshot"].version,
                                                                     repository.sign("snapshot"), ["sha256"])
    repository.sign("timestamp")
    assert client.refresh() == 1
    assert "no longer lists team.json" in client.error


def test_expired_files_are_still_what_nothing_falls_behind(peer):
    repository, client = peer()
    repository.publish("targets")
    repository.roles["timestamp"].expires = repository.roles["snapshot"].expires = in_days(7)
    repository.publish("targets")
    assert client.refresh() == 0
    for role in ("timestamp", "snapshot"):
        repository.roles[role].expires = in_days(60)
    repository.roles["targets"].expires = repository.roles["root"].expires = in_days(60)
    repository.bump_root()
    repository.publish("targets")
    new = dict(repository.files)
    repository.roles["timestamp"].version = 1
    repository.sign("timestamp")
    assert client.refresh(days=18) == 1
    assert "rollback" in client.error
    repository.files = new
    assert client.refresh(days=18) == 0, client.error
    assert client.versions() == (2, 4, 4, 4)


@pytest.mark.parametrize("rotated", ["snapshot", "timestamp"])
def test_targets_run_ahead_and_come_back_with_a_new_key(peer, rotated):
    repository, client = peer()
    repository.roles["targets"].version = 99
    repository.publish("targets")
    assert client.refresh() == 0 and client.version("targets") == 99
    repository.rotate_key(rotated)
    repository.roles["targets"].version = 2
    repository.publish("targets")
    assert client.refresh() == 0, client.error
    assert client.version("targets") == 2


# ---- delegated roles have the same checks as all others

@pytest.mark.parametrize("harm, want", [("expired", "expired"), ("unsigned", "0 of 1"), ("older", "mix and match"),
                                        ("absent", "not found"), ("not listed", "does not list"),
                                        ("threshold", "1 of 2")])
def test_a_delegated_role_has_every_check(peer, harm, want):
    repository, client = peer()
    team = repository.delegate("targets", "team", paths=["*"])
    repository.add_target("team", "file", b"found")
    if harm == "expired":
        team.expires = in_days(-1)
    elif harm == "unsigned":
        repository.signers["team"] = [CryptoSigner.generate_ed25519()]
    elif harm == "threshold":
        repository.add_key("team", delegator="targets")
        repository.signers["team"].pop()
        repository.roles["targets"].delegations.roles["team"].threshold = 2
    repository.publish("targets", "team")
    if harm == "older":
        old = repository.files["1.team.json"]
        repository.publish("targets", "team")
        repository.files["2.team.json"] = old
    elif harm == "absent":
        del repository.files["1.team.json"]
    elif harm == "not listed":
        snapshot, timestamp = repository.roles["snapshot"], repository.roles["timestamp"]
        del snapshot.meta["team.json"]
        timestamp.snapshot_meta = MetaFile.from_data(snapshot.version, repository.sign("snapshot"), ["sha256"])
        repository.sign("timestamp")
    assert client.download("file") == 1
    assert want in client.error, client.error
    assert not (client.metadata / "team.json").exists()
    assert not client.targets.exists() or not list(client.targets.iterdir())
    if harm == "not listed":
        assert "1.team" not in client.asked()


def test_a_role_is_verified_for_each_that_delegates_to_it(peer):
    """One delegator trusts its key and not the path, the other the path and not its key."""
    repository, client = peer()
    repository.delegate("targets", "one", paths=["*"])
    repository.delegate("targets", "two", paths=["*"])
    repository.delegate("one", "shared", paths=["elsewhere"])
    repository.delegate("two", "shared", paths=["*"], role="shared")
    two = repository.roles["two"].delegations
    two.roles["shared"].keyids = [repository.signers["two"][0].public_key.keyid]
    two.keys = {two.roles["shared"].keyids[0]: repository.signers["two"][0].public_key}
    repository.add_target("shared", "file", b"found")
    repository.add_target("shared", "elsewhere", b"fine")
    repository.publish("targets", "one", "two", "shared")
    assert client.download("elsewhere", "file") == 1
    assert "shared: 0 of 1" in client.error
    assert [path.name for path in client.targets.iterdir()] == ["elsewhere"]


# ---- targets over time

def test_a_target_that_changes(peer):
    repository, client = peer()
    for number in range(3):
        repository.add_target("targets", "file", f"content {number}".encode())
        repository.add_target("targets", f"file-{number}", b"more")
        repository.publish("targets")
        assert client.download("file", f"file-{number}") == 0, client.error
        assert (client.targets / "file").read_bytes() == f"content {number}".encode()
        repository.contents["file"] = b"malicious"
        client.download("file")
        assert (client.targets / "file").read_bytes() == f"content {number}".encode()
