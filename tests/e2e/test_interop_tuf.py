# SPDX-License-Identifier: Apache-2.0
"""Another implementation of TUF, python-tuf, reads our repositories over HTTP."""

import json

import pytest
from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import Metadata
from tuf.ngclient import Updater, UpdaterConfig

from rig.programs import Repository
from thief import Thief, alter_signature, alter_timestamp, read_container


class TufClient:
    """python-tuf with a store of its own, trusting the repository's first root."""

    def __init__(self, directory, url, repository):
        self.directory, self.url = directory, url
        self.targets = directory / "targets"
        self.targets.mkdir(parents=True)
        self.root = read_container(repository.roots.read_bytes())["1.root.json"]

    def updater(self):
        return Updater(str(self.directory / "metadata"), self.url + "/metadata/", str(self.targets),
                       self.url + "/targets/", config=UpdaterConfig(prefix_targets_with_hash=True),
                       bootstrap=self.root)

    def download(self, *names):
        """A refresh, then the contents of the target files."""
        updater = self.updater()
        updater.refresh()
        files = []
        for name in names:
            info = updater.get_targetinfo(name)
            assert info is not None, f"{name} is not in the repository"
            with open(updater.download_target(info), "rb") as file:
                files.append(json.load(file))
        return files


@pytest.fixture
def tuf_client(tmp_path, nginx):
    count = [0]

    def make(repository, public=None):
        count[0] += 1
        return TufClient(tmp_path / f"python-tuf-{count[0]}", nginx.serve_directory(public or repository.public),
                         repository)

    return make


@pytest.mark.parametrize("key_type", ["p256", "ed25519"])
def test_python_tuf_reads_charter_and_zones(tmp_path, backend, tuf_client, host, key_type):
    repository = Repository(tmp_path / "pins", "--key-type", key_type, "--zone", "payments")
    repository.run("zone", "add", "web-shop")
    repository.pin(host, backend.new_key()[1], zone="payments")
    repository.pin("shop.example.test", backend.new_key()[1], backend.new_key()[1], zone="web-shop")
    repository.publish()
    charter, payments, shop = tuf_client(repository).download("charter.json", "zones/payments.json",
                                                              "zones/web-shop.json")
    assert [entry["host"] for entry in charter["hosts"]] == [host, "shop.example.test"]
    assert (charter["type"], payments["type"], payments["zone"]) == ("pintle-charter", "pintle-zone", "payments")
    assert [len(entry["pins"]) for entry in payments["hosts"] + shop["hosts"]] == [1, 2]


def test_python_tuf_follows_updates_with_two_of_three_keys(backend, team_repository, tuf_client, host):
    client = tuf_client(team_repository)
    charter, zone = client.download("charter.json", "zones/main.json")
    assert (charter["hosts"], zone["hosts"]) == ([], [])
    for _ in range(3):
        team_repository.pin(host, backend.new_key()[1])
        team_repository.sign_and_publish()
        charter, zone = client.download("charter.json", "zones/main.json")
    assert [entry["host"] for entry in charter["hosts"]] == [host]
    assert len(zone["hosts"][0]["pins"]) == 3


def test_python_tuf_and_we_reject_the_same_tampering(backend, team_repository, tuf_client, install, host, tmp_path):
    repository = team_repository
    repository.pin(host, backend.new_key()[1])
    repository.sign_and_publish()
    old = repository.copy_public(tmp_path / "old")
    repository.publish()
    online = [repository.keys / name for name in ("snapshot.pem", "timestamp.pem", "zone-main.pem")]
    altered = repository.copy_public(tmp_path / "altered")
    alter_timestamp(altered, alter_signature)
    below = Thief(repository.public, [*online, repository.signers[0]])
    below.charter["hosts"] = []
    below.publish(tmp_path / "below")
    mixed = Thief(repository.public, online)
    mixed.publish(tmp_path / "mixed", edit_snapshot=lambda snapshot: snapshot["meta"]["targets.json"].update(version=1))

    for copy in ("old", "altered", "below", "mixed"):
        theirs = tuf_client(repository)
        theirs.download("charter.json")
        theirs.url = backend.nginx.serve_directory(tmp_path / copy)
        with pytest.raises((RepositoryError, DownloadError)):
            theirs.download("charter.json", "zones/main.json")
        ours = install(repository, backend.nginx.serve_directory(repository.public))
        ours.check(host, connect="127.0.0.1:1")
        assert ours.accepted()
        result = ours.check(host, connect="127.0.0.1:1", urls=[backend.nginx.serve_directory(tmp_path / copy)])
        assert "rejected: " in result.stderr, f"{copy}: {result.all}"


def test_every_metadata_file_parses_and_its_names_are_plain(repository, backend, host):
    repository.pin(host, backend.new_key()[1])
    repository.publish()
    files = sorted((repository.public / "metadata").iterdir())
    for path in files:
        metadata = Metadata.from_bytes(path.read_bytes())
        assert metadata.signed.spec_version == "1.0.31"
        for keyid, key in getattr(metadata.signed, "keys", {}).items():
            assert keyid == key.keyid
    names = {path.name for path in files}
    assert {"1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json", "1.main.json"} <= names
