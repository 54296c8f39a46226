# SPDX-License-Identifier: Apache-2.0
"""`pintle verify` of repositories that python-tuf made: what it finds in them, and what it says of those that are broken."""

import json

import pytest
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import MetaFile

from rig.clock import clock
from rig.programs import pintle
from rig.tuf_peer import PeerRepository, serving


@pytest.fixture(scope="module")
def rsa():
    return CryptoSigner.generate_rsa()  # takes its time


@pytest.fixture
def peer(rsa):
    """Delegations of two levels, a key of each kind, one target."""
    peer = PeerRepository()
    peer.delegate("targets", "team", paths=["team/*"])
    peer.delegate("team", "inner", paths=["team/inner*"])
    peer.add_key("targets", rsa)
    peer.add_key("targets", CryptoSigner.generate_ed25519())
    peer.add_target("team", "team/file", b"content")
    peer.publish("targets", "team", "inner")
    peer.bump_root()
    return peer


def verify(peer, *words, env=None, below=""):
    with serving(peer) as url:
        return pintle("verify", url + below, *words, env=env)


def store(peer, directory):
    directory.mkdir(parents=True)
    for name, data in peer.files.items():
        (directory / name).write_bytes(data)


def change(peer, name, alter):
    """Changes signed metadata and leaves the signatures as they are."""
    value = json.loads(peer.files[name])
    alter(value)
    peer.files[name] = json.dumps(value, separators=(",", ":")).encode()


@pytest.mark.parametrize("below", ["", "/", "/metadata", "/metadata/"])
def test_every_role_is_found_and_verified(peer, below):
    told = verify(peer, "--json", below=below)
    assert told.returncode == 0, told.all
    found = {row["role"]: (row["delegated_by"], row["version"], row["keys"], row["problem"]) for row in told.json["roles"]}
    assert found == {"root": ("root", 2, 1, None), "timestamp": ("root", 2, 1, None), "snapshot": ("root", 2, 1, None),
                     "targets": ("root", 2, 3, None), "team": ("targets", 1, 1, None), "inner": ("team", 1, 1, None)}
    assert (told.json["root_version"], told.json["targets_listed"], told.json["roles_failed"]) == (2, 1, 0)
    assert told.json["kind"].startswith("a plain TUF repository")
    assert "root 1, as the repository itself shows it" in told.json["anchor"]


@pytest.mark.parametrize("place", ["metadata", "", "public/metadata"])
def test_a_directory(peer, tmp_path, place):
    store(peer, tmp_path / "copy" / place)
    done = pintle("verify", tmp_path / "copy")
    assert done.returncode == 0 and "inner      team" in done.stdout, done.all


def test_the_trust_anchor_that_was_given_decides(peer, tmp_path):
    anchor = tmp_path / "root.json"
    anchor.write_bytes(peer.files["2.root.json"])
    told = verify(peer, "--roots", anchor, "--json")
    assert told.returncode == 0 and told.json["anchor"] == "root 2, as given", told.all
    anchor.write_bytes(PeerRepository().files["1.root.json"])
    refused = verify(peer, "--roots", anchor)
    assert (refused.returncode, refused.stdout) == (66, ""), refused.all
    assert "a plain TUF repository, verified from root 1 on: root (by its predecessor): 0 of 1" in refused.stderr


def test_a_delegated_role_that_does_not_verify_is_told_beside_the_others(peer):
    change(peer, "1.inner.json", lambda value: value["signed"].update(version=1, expires="2040-01-01T00:00:00Z"))
    told = verify(peer, "--json")
    assert told.returncode == 66 and "role inner, delegated by team: " in told.stderr, told.all
    problems = {row["role"]: row["problem"] for row in told.json["roles"] if row["problem"]}
    assert list(problems) == ["inner"] and "0 of 1 required signatures verify" in problems["inner"]
    assert told.json["roles_failed"] == 1


@pytest.mark.parametrize("name, says", [("2.targets.json", "targets"), ("2.snapshot.json", "snapshot"),
                                        ("timestamp.json", "timestamp"), ("2.root.json", "root")])
def test_a_top_level_role_that_does_not_verify(peer, name, says):
    change(peer, name, lambda value: value["signed"].update(expires="2040-01-01T00:00:00Z"))
    refused = verify(peer)
    assert (refused.returncode, refused.stdout) == (66, ""), refused.all
    assert says in refused.stderr


def test_a_role_that_the_snapshot_does_not_list(peer):
    del peer.roles["snapshot"].meta["inner.json"]
    peer.roles["snapshot"].version += 1
    data = peer.sign("snapshot")
    peer.roles["timestamp"].version += 1
    peer.roles["timestamp"].snapshot_meta = MetaFile.from_data(peer.roles["snapshot"].version, data, ["sha256"])
    peer.sign("timestamp")
    told = verify(peer)
    assert told.returncode == 66 and "role inner, delegated by team: inner: the snapshot does not list it" in told.stderr


def test_expiry(peer):
    expired = verify(peer, env=clock("+31d"))
    assert (expired.returncode, expired.stdout) == (66, ""), expired.all
    assert "expired" in expired.stderr
    soon = verify(peer, env=clock("+28d"))
    assert soon.returncode == 0 and "timestamp: expires in 4" in soon.stdout, soon.all


def test_delegations_in_a_circle_end(peer):
    peer.delegate("inner", "team", paths=["team/*"], role=peer.roles["team"])
    peer.publish("inner")
    told = verify(peer, "--json")
    assert told.returncode == 0, told.all
    pairs = [(row["delegated_by"], row["role"]) for row in told.json["roles"]]
    assert len(pairs) == len(set(pairs)) and ("inner", "team") in pairs and ("team", "inner") in pairs


def notices(peer):
    told = verify(peer, "--json")
    assert told.returncode == 0, told.all
    return "\n".join(told.json["notices"])


class TestLint:
    def test_nothing_but_the_root_of_one_key_and_versions_without_hashes(self, peer):
        assert notices(peer).splitlines() == [
            "root: one stolen key is enough to take the repository over",
            "snapshot: what it lists has no sha256, so mirrors can mix files whose versions are equal"]

    def test_a_threshold_without_p256(self):
        peer = PeerRepository(new_signer=CryptoSigner.generate_ed25519)
        assert "timestamp: its threshold of 1 cannot be met with P-256 keys alone" in notices(peer)

    def test_unusable_keys(self, peer):
        def odd(value):
            value["signed"]["keys"]["ab" * 32] = {"keytype": "sphincs", "scheme": "sphincs-x", "keyval": {"public": "x"}}
            value["signed"]["roles"]["targets"]["keyids"].append("ab" * 32)
        root = json.loads(peer.files["2.root.json"])
        odd(root)
        peer.files["2.root.json"] = json.dumps(resigned(peer, "root", root)).encode()
        told = notices(peer)
        assert f"targets: key {'ab' * 8} cannot be used here: scheme sphincs-x" in told
        assert f"root: the id of key {'ab' * 8} is not the hash of the key" in told

    def test_names_and_hash_prefixes(self, peer):
        peer.delegate("targets", "a/b", paths=["x"])
        peer.delegate("targets", "bins", hash_prefixes=["0"])
        peer.publish("targets", "a/b", "bins")
        told = notices(peer)
        assert 'role "a/b": a name of other characters' in told
        assert 'role "bins": path_hash_prefixes are compared wrongly' in told

    def test_without_consistent_snapshots(self):
        assert "without consistent_snapshot" in notices(PeerRepository(consistent=False))


def resigned(peer, role, value):
    """value with signatures of the role's keys over what it says now."""
    data = encode_canonical(value["signed"]).encode()
    value["signatures"] = [{"keyid": signer.public_key.keyid, "sig": signer.sign(data).signature}
                           for signer in peer.signers[role]]
    return value


def test_one_of_pintles_is_verified_as_one(repository):
    done = pintle("verify", repository.directory)
    assert done.returncode == 0 and "plain TUF" not in done.stdout, done.all
    done = pintle("verify", repository.directory, "--roots", repository.public / "metadata" / "1.root.json")
    assert done.returncode == 0, done.all


def test_no_repository_at_all(tmp_path):
    (tmp_path / "metadata").mkdir()
    assert pintle("verify", tmp_path).returncode == 69
    (tmp_path / "metadata" / "timestamp.json").write_text("{}")
    (tmp_path / "metadata" / "root.json").write_text("{}")
    assert pintle("verify", tmp_path).returncode in (65, 69)
