# SPDX-License-Identifier: Apache-2.0
"""`pintle-tuf`, the whole TUF client workflow, against repositories that python-tuf signs and a real HTTP server."""

import json

import pytest
from securesystemslib.signer import CryptoSigner

from rig.tuf_peer import TOP, in_days, peers


@pytest.fixture
def peer(tmp_path):
    """repository, client = peer(...)"""
    with peers(tmp_path) as make:
        yield make


# ---- the order of requests, and what is kept

def test_a_first_refresh_and_one_with_nothing_new(peer):
    repository, client = peer()
    assert client.versions() == (1, None, None, None)
    assert client.refresh() == 0, client.error
    assert client.asked() == ["2.root", "timestamp", "1.snapshot", "1.targets"]
    assert client.versions() == (1, 1, 1, 1)
    assert client.refresh() == 0, client.error
    assert client.asked() == ["2.root", "timestamp"]


def test_without_consistent_snapshots(peer):
    repository, client = peer(consistent=False)
    repository.add_target("targets", "a/file", b"content")
    repository.publish("targets")
    assert client.download("a/file") == 0, client.error
    assert client.asked() == ["2.root", "timestamp", "snapshot", "targets"]
    assert repository.requests[-1] == "targets/a/file"


def test_roots_are_followed_one_by_one_and_kept(peer):
    repository, client = peer()
    assert client.refresh() == 0
    for _ in range(3):
        repository.rotate_key("root")
    assert client.refresh() == 0, client.error
    assert client.asked() == ["2.root", "3.root", "4.root", "5.root", "timestamp"]
    assert client.version("root") == 4


def test_a_root_that_skips_a_version_or_lacks_old_keys_is_refused(peer):
    repository, client = peer()
    repository.roles["root"].version = 3
    repository.files["2.root.json"] = repository.sign("root")
    assert client.refresh() == 1
    assert "expected version 2" in client.error
    repository, client = peer()
    for keyid in list(repository.roles["root"].roles["root"].keyids):
        repository.roles["root"].revoke_key(keyid, "root")
    repository.signers["root"] = []
    repository.add_key("root")
    repository.bump_root()
    assert client.refresh() == 1
    assert client.version("root") == 1


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_online_keys_are_replaced(peer, role):
    repository, client = peer()
    assert client.refresh() == 0
    repository.rotate_key(role)
    repository.publish("targets")
    assert client.refresh() == 0, client.error
    assert client.versions() == (2, 2, 2, 2)


@pytest.mark.parametrize("role", ["timestamp", "snapshot"])
def test_fast_forward_is_recovered_from_by_replacing_the_key(peer, role):
    repository, client = peer()
    repository.roles[role].version = 99
    repository.publish()
    assert client.refresh() == 0, client.error
    repository.roles[role].version = 1
    repository.publish()
    assert client.refresh() == 1, "an older version was taken"
    repository.rotate_key(role)
    assert client.refresh() == 1 or client.version(role) < 99
    repository.publish()
    assert client.refresh() == 0, client.error
    assert client.version(role) < 99


# ---- rollback, freeze, mix and match

@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_nothing_goes_back(peer, role):
    repository, client = peer()
    repository.publish("targets")
    repository.publish("targets")
    assert client.refresh() == 0, client.error
    before = client.versions()
    if role == "targets":
        repository.roles["targets"].version -= 2
        repository.publish("targets")
    else:
        repository.roles[role].version -= 2
        repository.publish()
    assert client.refresh() == 1
    assert "rollback" in client.error
    assert client.version(role) == before[TOP.index(role)]


@pytest.mark.parametrize("role", TOP)
def test_expired_metadata_is_refused_and_the_root_is_kept(peer, role):
    repository, client = peer()
    repository.roles[role].expires = in_days(-1)
    repository.bump_root()
    repository.publish("targets")
    assert client.refresh() == 1
    assert "expired" in client.error
    assert client.version("root") == 2
    assert client.version(role) in (None, 2 if role == "root" else None)


def test_what_is_kept_expires_too(peer):
    repository, client = peer()
    assert client.refresh() == 0
    assert client.refresh(days=31) == 1
    assert "expired" in client.error


def test_a_snapshot_that_the_timestamp_does_not_name(peer):
    repository, client = peer()
    repository.publish()
    repository.files["2.snapshot.json"] = repository.files["1.snapshot.json"]
    assert client.refresh() == 1
    assert client.versions() == (1, 2, None, None)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_unsigned_metadata_is_not_kept(peer, role):
    repository, client = peer()
    repository.signers[role] = [CryptoSigner.generate_ecdsa()]
    repository.publish("targets")
    assert client.refresh() == 1
    assert "0 of 1 required signatures" in client.error
    assert client.version(role) is None


# ---- delegations

GRAPHS = [
    # name, [(delegator, role, paths, terminating)], where the target is, target found?, roles asked for
    ("one level", [("targets", "a", ["*"], False)], "a", True, ["a"]),
    ("pre-order", [("targets", "a", ["*"], False), ("targets", "d", ["*"], False), ("a", "b", ["*"], False),
                   ("b", "c", ["*"], False)], None, False, ["a", "b", "c", "d"]),
    ("a path that is not covered", [("targets", "a", ["other/*"], False), ("targets", "b", ["*"], False)], None, False,
     ["b"]),
    ("terminating", [("targets", "a", ["*"], True), ("targets", "b", ["*"], False)], "b", False, ["a"]),
    ("terminating, another path", [("targets", "a", ["x?"], True), ("targets", "b", ["*"], False)], "b", True, ["b"]),
    ("terminating below", [("targets", "a", ["*"], False), ("targets", "d", ["*"], False), ("a", "b", ["*"], True),
                           ("a", "c", ["*"], False)], "d", False, ["a", "b"]),
    ("two ways to one role", [("targets", "a", ["*"], False), ("targets", "b", ["*"], False), ("a", "c", ["*"], False),
                              ("b", "c", ["*"], False)], None, False, ["a", "c", "b"]),
    ("two ways to one role, one for other paths", [("targets", "a", ["*"], False), ("targets", "b", ["*"], False),
                                                   ("a", "c", ["x*"], False), ("b", "c", ["*"], False)], "c", True,
     ["a", "b", "c"]),
    ("depth first", [("targets", "a", ["*"], False), ("targets", "d", ["*"], False), ("a", "b", ["*"], False),
                     ("a", "c", ["*"], False)], "d", True, ["a", "b", "c", "d"]),
    ("below a terminating one", [("targets", "a", ["*"], True), ("targets", "c", ["*"], False),
                                 ("a", "b", ["*"], False)], "b", True, ["a", "b"]),
    ("a circle before it", [("targets", "a", ["*"], False), ("targets", "d", ["*"], False), ("a", "b", ["*"], False),
                            ("b", "a", ["*"], False)], "d", True, ["a", "b", "d"]),
    ("itself", [("targets", "a", ["*"], False), ("a", "a", ["*"], False), ("targets", "b", ["*"], False)], "b", True,
     ["a", "b"]),
    ("a circle", [("targets", "a", ["*"], False), ("a", "b", ["*"], False), ("b", "a", ["*"], False)], None, False,
     ["a", "b"]),
]


@pytest.mark.parametrize("edges, place, found, asked", [graph[1:] for graph in GRAPHS],
                         ids=[graph[0] for graph in GRAPHS])
def test_delegations_are_searched_in_order(peer, edges, place, found, asked):
    repository, client = peer()
    for delegator, role, paths, terminating in edges:
        repository.delegate(delegator, role, paths=paths, terminating=terminating)
    if place:
        repository.add_target(place, "file", b"found")
    repository.publish("targets")
    assert client.download("file") == (0 if found else 1), client.error
    assert [name.split(".", 1)[1] for name in client.asked()[4:]] == asked
    assert found == (client.targets / "file").exists()


def test_hash_prefixes(peer):
    repository, client = peer()
    repository.delegate("targets", "low", hash_prefixes=[f"{digit:x}" for digit in range(8)])
    repository.delegate("targets", "high", hash_prefixes=[f"{digit:x}" for digit in range(8, 16)])
    for number in range(6):
        repository.add_target("low", f"file-{number}", b"low")
        repository.add_target("high", f"file-{number}", b"high")
    repository.publish("targets")
    assert client.refresh() == 0, client.error


@pytest.mark.parametrize("name", ["?", "#", "/role", "../role", "x/../../y", "%2e", ".", "a b", "rôle"])
def test_role_names_are_escaped_in_urls_and_on_disk(peer, tmp_path, name):
    repository, client = peer()
    repository.delegate("targets", name, paths=["*"])
    repository.add_target(name, "file", b"found")
    repository.publish("targets")
    before = {path for path in tmp_path.rglob("*") if client.metadata not in path.parents}
    assert client.download("file") == 0, client.error
    assert len(list(client.metadata.iterdir())) == 5
    after = {path for path in tmp_path.rglob("*") if client.metadata not in path.parents}
    assert after - before == {client.targets, client.targets / "file"}


@pytest.mark.parametrize("name", ["?", "#", "/file", "../file", "x/../../y", "%2e", "..%2f..%2fy", "a b", "fil\u00e9",
                                  "\\..\\y", ".new", "timestamp.json"])
def test_target_names_are_escaped_on_disk(peer, tmp_path, name):
    """Whatever comes of the request, nothing is written but one file in the directory of targets."""
    repository, client = peer()
    repository.add_target("targets", name, b"found")
    repository.publish("targets")
    before = {path for path in tmp_path.rglob("*") if client.metadata not in path.parents}
    found = client.download(name) == 0
    after = {path for path in tmp_path.rglob("*") if client.metadata not in path.parents}
    written = after - before - {client.targets}
    assert len(written) == found and all(path.parent == client.targets for path in written), written
    assert len(list(client.metadata.iterdir())) == 4
    assert found or name[0] == "/" or "%" in name or ".." in name.split("/"), client.error


@pytest.mark.parametrize("length", [200, 201, 65536])
def test_long_names_are_no_names(peer, length):
    """Of 64 KB, or of more than a file's name has room for."""
    repository, client = peer()
    repository.delegate("targets", "x" * length, paths=["*"])
    repository.add_target("x" * length, "file", b"found")
    repository.add_target("targets", "y" * length, b"long")
    repository.publish("targets")
    assert client.refresh() == 0, client.error
    assert (client.download("file") == 0) == (length == 200), client.error
    assert length == 200 or "expected a name of 1 to 200 bytes" in client.error
    if length < 65536:  # more than a command line holds
        assert (client.download("y" * length) == 0) == (length == 200), client.error


def test_a_name_with_nul_is_escaped(peer):
    repository, client = peer()
    repository.delegate("targets", "a\0b", paths=["*"])
    repository.add_target("a\0b", "file", b"found")
    repository.publish("targets")
    assert client.download("file") == 0, client.error
    assert (client.metadata / "a%00b.json").exists()


def test_a_target_is_neither_read_nor_written_through_a_symbolic_link(peer, tmp_path):
    repository, client = peer()
    repository.add_target("targets", "file", b"content")
    repository.publish("targets")
    client.targets.mkdir()
    for number, text in enumerate((b"content", b"other")):
        victim = tmp_path / f"victim-{number}"
        victim.write_bytes(text)
        (client.targets / "file").unlink(missing_ok=True)
        (client.targets / "file").symlink_to(victim)
        assert client.download("file") == 0, client.error
        assert victim.read_bytes() == text
        assert not (client.targets / "file").is_symlink()
        assert (client.targets / "file").read_bytes() == b"content"
    (client.targets / ".new").symlink_to(victim)
    (client.targets / "file").unlink()
    assert client.download("file") == 0, client.error
    assert victim.read_bytes() == b"other"


def test_targets_and_metadata_are_kept_apart(peer):
    """A target called root.json must not become the trusted root."""
    repository, client = peer()
    repository.add_target("targets", "root.json", b"{}")
    repository.publish("targets")
    client.targets = client.metadata
    assert client.download("root.json") == 1
    assert "two directories" in client.error
    assert client.version("root") == 1


def test_a_symbolic_link_is_not_followed(peer, tmp_path):
    repository, client = peer()
    assert client.refresh() == 0
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (client.metadata / "timestamp.json").unlink()
    (client.metadata / "timestamp.json").symlink_to(victim)
    assert client.refresh() == 1
    assert "timestamp.json" in client.error
    assert victim.read_text() == "untouched"


# ---- targets

def test_a_target_is_fetched_once_and_only_as_signed(peer):
    repository, client = peer()
    repository.add_target("targets", "dir/file", b"content")
    repository.publish("targets")
    assert client.download("dir/file") == 0, client.error
    assert [path for path in client.targets.iterdir() if path.read_bytes() == b"content"]
    assert client.download("dir/file") == 0
    assert not [path for path in repository.requests if path.startswith("targets/")]
    for wrong in (b"CONTENT", b"content and more", b"cont"):
        for path in client.targets.iterdir():
            path.unlink()
        repository.contents["dir/file"] = wrong
        assert client.download("dir/file") == 1
        assert not list(client.targets.iterdir())


def test_several_targets_stop_at_the_first_failure(peer):
    repository, client = peer()
    for name in ("one", "three"):
        repository.add_target("targets", name, name.encode())
    repository.publish("targets")
    assert client.download("one", "two", "three") == 1
    assert [path.name for path in client.targets.iterdir()] == ["one"]


# ---- keys

@pytest.mark.parametrize("kind", ["ecdsa", "ed25519", "rsa"])
def test_every_kind_of_key(peer, kind):
    repository, client = peer(new_signer=getattr(CryptoSigner, f"generate_{kind}"))
    assert client.refresh() == 0, client.error
    for role in TOP:
        repository.rotate_key(role)
    repository.publish("targets")
    assert client.refresh() == 0, client.error


def test_one_key_under_two_names_counts_once(peer):
    """The twins sign too: each of the names has its good signature."""
    repository, client = peer()
    signer = repository.signers["snapshot"][0]
    key = signer.public_key
    twins = [type(key)(f"{number:064x}", key.keytype, key.scheme, key.keyval, {"x": number}) for number in range(3)]
    for twin in twins:
        repository.roles["root"].add_key(twin, "snapshot")
        repository.signers["snapshot"].append(CryptoSigner(signer._private_key, twin))
    repository.roles["root"].roles["snapshot"].threshold = 2
    repository.bump_root()
    repository.publish()
    assert len(json.loads(repository.files["2.snapshot.json"])["signatures"]) == 4
    assert client.refresh() == 1
    assert "1 of 2 required signatures" in client.error
    repository.add_key("snapshot")
    repository.bump_root()
    repository.publish()
    assert client.refresh() == 0, client.error


def test_a_key_of_an_unknown_kind_is_unusable_and_nothing_more(peer):
    repository, client = peer()
    key = repository.signers["snapshot"][0].public_key
    odd = type(key)("ab" * 32, "quantum", "quantum-1", {"public": "?"})
    repository.roles["root"].add_key(odd, "snapshot")
    repository.bump_root()
    assert client.refresh() == 0, client.error


def test_indented_json_and_unknown_fields_are_read(peer):
    repository, client = peer()
    repository.pretty = True
    for role in TOP:
        repository.roles[role].unrecognized_fields["x-future"] = {"a": [1, {"b": None}]}
    repository.bump_root()
    repository.publish("targets")
    assert client.refresh() == 0, client.error
    assert client.versions() == (2, 2, 2, 2)
