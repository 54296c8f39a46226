# SPDX-License-Identifier: Apache-2.0
"""Bugs that other pinning systems had, over a real nginx.  The numbers are those of the project's list of them."""

import base64
import json

import pytest

from pki import Authority, cert_pin, new_key, spki_pin
from rig.clock import clock
from rig.programs import Client, Repository
from thief import Thief, alter_body

BOTH = pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])


def pin_hash(repository, host, sha256, of="spki", at="leaf"):
    repository.run("pin", "add", host, "--sha256", sha256, "--of", of, "--at", at)


@pytest.fixture
def serve_manifest(nginx):
    """The repository over plain HTTP; returns the base URL."""
    return lambda repository: nginx.serve_directory(repository.public)


class TestVerifiedChainOnly:
    """1: the raw peer chain was matched instead of the verified one (CVE-2016-2402)."""

    @BOTH
    def test_bug_01_pinned_certificate_appended_to_unpinned_chain(self, backend, authority, repository, install,
                                                                  serve_manifest, host, protocol):
        pinned, _ = authority.leaf(host)
        site = backend.serve(host, append=[pinned], protocols=protocol)
        repository.run("host", "add", host, "--zone", "main")
        for at in ("leaf", "issuer", "any"):
            pin_hash(repository, host, spki_pin(pinned), at=at)
            pin_hash(repository, host, cert_pin(pinned), of="cert", at=at)
        repository.publish()
        client = install(repository, serve_manifest(repository))
        verdict = client.verdict(host, connect=site.address)
        assert (verdict["verdict"], verdict["validation"]) == ("reject", "ok"), verdict
        assert client.get(site.url, connect=site.address).returncode == 67
        assert backend.requests(host) == []

    @BOTH
    def test_bug_01_pinned_issuer_appended_to_a_chain_of_another_trusted_ca(self, backend, authority, root_authority,
                                                                            rogue_authority, repository, install,
                                                                            serve_manifest, host, protocol):
        site = backend.serve(host, authority=rogue_authority, protocols=protocol,
                             append=[authority.certificate, root_authority.certificate])
        repository.run("host", "add", host, "--zone", "main")
        for issuer in (authority, root_authority):
            pin_hash(repository, host, spki_pin(issuer.key), at="issuer")
            pin_hash(repository, host, spki_pin(issuer.key), at="any")
        repository.publish()
        client = install(repository, serve_manifest(repository))
        assert client.get(site.url, connect=site.address).returncode == 67
        assert backend.requests(host) == []
        right = backend.serve(host, protocols=protocol)
        assert client.get(right.url, connect=right.address).returncode == 0

    def test_bug_01_pinned_leaf_key_of_a_certificate_that_only_sits_in_the_middle(self, backend, authority, repository,
                                                                                  install, serve_manifest, host):
        pinned = new_key()
        issuer = Authority("Issuing CA with the pinned key", authority, key=pinned)
        site = backend.serve(host, authority=issuer)
        repository.run("host", "add", host, "--zone", "main")
        pin_hash(repository, host, spki_pin(pinned), at="leaf")
        repository.publish()
        client = install(repository, serve_manifest(repository))
        assert client.get(site.url, connect=site.address).returncode == 67
        pin_hash(repository, host, spki_pin(pinned), at="issuer")
        repository.publish()
        assert client.get(site.url, connect=site.address).returncode == 0


class TestHostForms:
    """3: another spelling of a name escaped the policy (OkHttp 9724, CVE-2022-43551, CVE-2023-28321)."""

    @pytest.mark.parametrize("policy, names, spellings", [
        ("api.example.test", ["api.example.test"],
         ["api.example.test.", "API.Example.TEST", "API.EXAMPLE.TEST.", "api%2eexample%2etest", "api.example.test..",
          "api\u3002example\u3002test", "api\uff0eexample\uff0etest", "\uff41pi.example.test"]),
        ("xn--bcher-kva.example.test", ["xn--bcher-kva.example.test"],
         ["b\u00fccher.example.test", "B\u00dcCHER.example.test", "XN--BCHER-KVA.example.test"]),
        ("127.0.0.1", ["127.0.0.1"],
         ["127.0.0.1.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.01", "[::ffff:127.0.0.1]"]),
        ("::1", ["::1"], ["[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::0:1]", "[::1%25lo]"]),
    ], ids=["name", "idn", "ipv4", "ipv6"])
    def test_bug_03_other_spellings_of_a_host(self, backend, repository, install, serve_manifest, policy, names,
                                              spellings):
        pinned, unpinned = backend.serve(*names), backend.serve(*names)
        repository.pin(policy, pinned.key)
        repository.publish()
        client = install(repository, serve_manifest(repository))
        plain = f"[{policy}]" if ":" in policy else policy
        assert client.get(f"https://{plain}/", connect=pinned.address).returncode == 0
        assert client.get(f"https://{plain}:8443/", connect=unpinned.address).returncode == 67
        for spelling in spellings:
            for port in ("", f":{unpinned.port}"):
                refused = client.get(f"https://{spelling}{port}/", connect=unpinned.address)
                assert refused.returncode in (65, 67, 69), refused.all
            accepted = client.get(f"https://{spelling}/", connect=pinned.address)
            assert accepted.returncode in (0, 65, 67, 69), accepted.all
        assert {entry["port"] for entry in backend.requests()} == {pinned.port}

    def test_bug_03_the_common_spellings_are_the_same_host(self, backend, repository, install, serve_manifest, host):
        site = backend.serve(host)
        repository.pin("API.Example.TEST.", site.key)
        assert [entry["host"] for entry in repository.run("host", "list", "--json").json["hosts"]] == [host]
        repository.publish()
        client = install(repository, serve_manifest(repository))
        for spelling in ("API.EXAMPLE.test", "api.example.test.", host + ":443"):
            result = client.get(f"https://{spelling}/", connect=site.address)
            assert result.returncode == 0, result.all
        verdict = client.verdict("Api.Example.Test.", connect=site.address)
        assert (verdict["verdict"], verdict["policy_host"]) == ("accept", host)


class TestOrdinaryValidationStays:
    """4 and 5: pinning took the place of what ordinary validation checks."""

    @BOTH
    def test_bug_04_certificate_of_another_host_of_the_same_ca(self, backend, authority, repository, install,
                                                               serve_manifest, host, protocol):
        site = backend.serve("other.example.test", protocols=protocol)
        repository.pin(host, site.key)
        pin_hash(repository, host, spki_pin(authority.key), at="issuer")
        repository.publish()
        client = install(repository, serve_manifest(repository))
        result = client.get(f"https://{host}/", connect=site.address)
        assert result.returncode == 67, result.all
        assert "ordinary validation failed" in result.stderr
        assert backend.requests() == []
        verdict = client.verdict(host, connect=site.address)
        assert (verdict["verdict"], verdict["reason"]) == ("reject", "validation_failed")

    @BOTH
    @pytest.mark.parametrize("days, said", [((-30, -1), "expired"), ((1, 30), "not yet valid")])
    def test_bug_05_leaf_that_matches_a_pin_but_is_out_of_date(self, backend, repository, install, serve_manifest, host,
                                                               protocol, days, said):
        site = backend.serve(host, days=days, protocols=protocol)
        repository.pin(host, site.key)
        repository.publish()
        client = install(repository, serve_manifest(repository))
        result = client.get(site.url, connect=site.address)
        assert result.returncode == 67, result.all
        assert said in result.stderr, result.all
        assert backend.requests() == []

    @BOTH
    def test_bug_05_leaf_that_matches_a_pin_but_is_untrusted(self, backend, repository, install, serve_manifest, host,
                                                             protocol):
        nobody = Authority("Nobody trusts this CA")
        site = backend.serve(host, authority=nobody, protocols=protocol)
        repository.pin(host, site.key)
        pin_hash(repository, host, spki_pin(nobody.key), at="issuer")
        repository.publish()
        client = install(repository, serve_manifest(repository))
        result = client.get(site.url, connect=site.address)
        assert result.returncode == 67, result.all
        assert "ordinary validation failed" in result.stderr
        assert backend.requests() == []

    def test_bug_05_second_ca_of_the_same_name_with_another_key(self, backend, authority, root_authority, repository,
                                                                install, serve_manifest, host):
        twin = Authority("Example Test Issuing CA", Authority("Example Test Root"))
        site = backend.serve(host, authority=twin)
        repository.run("host", "add", host, "--zone", "main")
        pin_hash(repository, host, spki_pin(authority.key), at="issuer")
        pin_hash(repository, host, spki_pin(root_authority.key), at="any")
        repository.publish()
        client = install(repository, serve_manifest(repository))
        assert client.get(site.url, connect=site.address).returncode == 67
        assert backend.requests() == []


class TestStaleLists:
    """8: a list past its date switched pinning off."""

    @pytest.mark.parametrize("offset", ["+1d", "+71d", "+400d"])
    def test_bug_08_stale_list_still_pins(self, backend, repository, install, serve_manifest, host, offset):
        pinned, unpinned = backend.serve(host), backend.serve(host)
        repository.pin(host, pinned.key)
        repository.publish()
        client = install(repository, serve_manifest(repository))
        assert client.get(pinned.url, connect=pinned.address).returncode == 0
        later = clock(offset)
        for urls in ([], client.urls):  # nobody answers; or somebody freezes the repository
            accepted = client.get(pinned.url, connect=pinned.address, urls=urls, env=later)
            assert accepted.returncode == 0, accepted.all
            refused = client.get(unpinned.url, connect=unpinned.address, urls=urls, env=later)
            assert refused.returncode == 67, refused.all
        verdict = client.verdict(host, connect=unpinned.address, urls=[], env=later)
        assert verdict["verdict"] == "reject"
        assert verdict["freshness"] == ("fresh" if offset == "+1d" else "stale")

    def test_bug_08_frozen_repository_is_rejected_with_its_reason_and_the_age_told(self, backend, repository, install,
                                                                                   serve_manifest, host):
        site = backend.serve(host)
        repository.pin(host, site.key)
        repository.publish()
        client = install(repository, serve_manifest(repository))
        client.check(host, connect=site.address)
        result = client.check(host, connect=site.address, env=clock("+71d"))
        assert result.returncode == 0, result.all
        assert "expired" in result.stderr
        assert "enforcing the last good pins" in result.stderr
        assert "71 days ago" in result.stderr, result.all

    def test_bug_08_shipped_list_past_its_age_bound_refuses_instead_of_unpinning(self, backend, repository, install,
                                                                                 host):
        site = backend.serve(host)
        repository.pin(host, site.key)
        repository.publish()
        client = install(repository, shipped=True)
        assert client.check(host, connect=site.address, store=False).returncode == 0
        assert client.check(host, connect=site.address, store=False, env=clock("+71d")).returncode == 0
        late = client.check(host, connect=site.address, store=False, env=clock("+400d"))
        assert late.returncode == 67, late.all


class TestWrongClocks:
    """9: the clock was set back or forward."""

    @pytest.fixture
    def old_authority(self):
        return Authority("Older CA", days=(-400, 1500))

    @pytest.fixture
    def world(self, backend, old_authority, workshop, repository, install, host):
        class World:
            pinned = backend.serve(host, authority=old_authority, days=(-300, 1200))
            unpinned = backend.serve(host, authority=old_authority, days=(-300, 1200))

        repository.pin(host, World.pinned.key)
        repository.publish()
        World.client = install(repository, backend.nginx.serve_directory(repository.public),
                               ca=workshop.cert_file(old_authority.certificate))
        return World

    @pytest.mark.parametrize("offset", ["-200d", "-2d", "-1h", "+1h", "+2d"])
    def test_bug_09_a_wrong_clock_never_unpins_and_updates_go_on(self, world, repository, host, offset):
        for _ in range(2):
            accepted = world.client.check(host, connect=world.pinned.address, env=clock(offset))
            assert accepted.returncode == 0, accepted.all
            assert "last good" not in accepted.stderr, accepted.all
            assert world.client.check(host, connect=world.unpinned.address, env=clock(offset)).returncode == 67
            repository.publish()
        right = world.client.check(host, connect=world.pinned.address)
        assert (right.returncode, right.stderr) == (0, ""), right.all

    def test_bug_09_a_clock_set_back_hides_no_rollback(self, world, backend, repository, host, tmp_path):
        old = repository.copy_public(tmp_path / "old")
        repository.publish()
        assert world.client.check(host, connect=world.pinned.address).returncode == 0
        url = backend.nginx.serve_directory(old)
        result = world.client.check(host, connect=world.pinned.address, urls=[url], env=clock("-30d"))
        assert "rollback" in result.stderr, result.all

    def test_bug_09_accepted_issue_time_holds_against_a_clock_set_back(self, world, backend, host, tmp_path):
        """The client has seen today.  With its clock set back, what had expired by then is still expired."""
        early = Repository(tmp_path / "early", env=clock("-20d"))
        early.run("host", "add", host, "--zone", "main", env=clock("-20d"))
        early.run("pin", "add", host, "--key", world.pinned.key, env=clock("-20d"))
        early.run("publish", env=clock("-20d"))
        frozen = early.copy_public(tmp_path / "frozen")
        early.publish()
        url = backend.nginx.serve_directory(early.public)
        client = Client(tmp_path / "early-client", early, world.client.ca, [url])
        assert client.check(host, connect=world.pinned.address).returncode == 0
        (client.store / "accepted").unlink()  # what is left is another installation: it knows no better
        (client.store / "roots").unlink()
        url = backend.nginx.serve_directory(frozen)
        fresh = client.check(host, connect=world.pinned.address, urls=[url], env=clock("-19d"))
        assert fresh.returncode == 0, fresh.all
        assert client.check(host, connect=world.pinned.address).returncode == 0  # and now it has seen today
        result = client.check(host, connect=world.pinned.address, urls=[url], env=clock("-19d"))
        assert "rejected" in result.stderr, result.all

    def test_bug_09_publisher_whose_clock_ran_ahead(self, world, repository, host):
        """A manifest that claims to come from the future is no reason to stop: its time is not taken."""
        repository.run("publish", env=clock("+30d"))
        for offset in ("+0d", "+1h"):
            result = world.client.check(host, connect=world.pinned.address, env=clock(offset))
            assert result.returncode == 0, result.all
            assert "last good" not in result.stderr, result.all
        verdict = world.client.verdict(host, connect=world.pinned.address)
        assert verdict["freshness"] == "fresh"


class TestReplays:
    """10: an older manifest, an equal version with other bytes, another app's, one with an entry dropped."""

    def served(self, backend, repository, install, serve_manifest, host):
        """A client that holds what the repository says now, its good site, and a site with a key that is not pinned."""
        pinned, unpinned = backend.serve(host), backend.serve(host)
        repository.pin(host, pinned.key)
        repository.sign_and_publish()
        client = install(repository, serve_manifest(repository))
        assert client.get(pinned.url, connect=pinned.address).returncode == 0
        return client, pinned, unpinned

    def assert_rejected(self, client, nginx, copy, reason, pinned, unpinned):
        """Offered copy, the client says reason, and everything stays as it was."""
        held = client.accepted()
        url = nginx.serve_directory(copy)
        result = client.check(pinned.host, connect=pinned.address, urls=[url])
        assert result.returncode == 0, result.all
        assert "rejected: " in result.stderr, result.all
        assert reason in result.stderr, result.all
        assert client.accepted() == held
        assert client.check(pinned.host, connect=unpinned.address, urls=[url]).returncode == 67

    def test_bug_10_replay_of_an_older_manifest(self, backend, repository, install, serve_manifest, host, tmp_path):
        unpinned = backend.serve(host)
        repository.pin(host, unpinned.key)
        repository.publish()
        old = repository.copy_public(tmp_path / "old")
        repository.run("pin", "remove", host, spki_pin(unpinned.key_object))
        client, pinned, _ = self.served(backend, repository, install, serve_manifest, host)
        self.assert_rejected(client, backend.nginx, old, "rollback", pinned, unpinned)

    def test_bug_10_replay_of_older_parts_under_new_signatures(self, backend, repository, install, serve_manifest, host,
                                                               tmp_path):
        unpinned = backend.serve(host)
        repository.pin(host, unpinned.key)
        repository.publish()
        old = repository.copy_public(tmp_path / "old")
        repository.run("pin", "remove", host, spki_pin(unpinned.key_object))
        client, pinned, _ = self.served(backend, repository, install, serve_manifest, host)
        thief = Thief(old, [repository.keys / "snapshot.pem", repository.keys / "timestamp.pem"])
        thief.snapshot["version"] += 100
        thief.timestamp["version"] += 100
        thief.publish(tmp_path / "forged")
        self.assert_rejected(client, backend.nginx, tmp_path / "forged", "rollback", pinned, unpinned)

    def test_bug_10_equal_version_with_other_bytes(self, backend, repository, install, serve_manifest, host, tmp_path):
        client, pinned, unpinned = self.served(backend, repository, install, serve_manifest, host)
        held = client.accepted()
        thief = Thief(repository.public, [repository.keys / name for name in
                                          ("snapshot.pem", "timestamp.pem", "zone-main.pem")])
        thief.zones["main"]["hosts"][0]["pins"][0]["sha256"] = spki_pin(unpinned.key_object)
        version = repository.timestamp()["signed"]["version"]
        thief.publish(tmp_path / "forged", edit_timestamp=lambda timestamp: timestamp.update(version=version))
        url = backend.nginx.serve_directory(tmp_path / "forged")
        assert client.check(host, connect=pinned.address, urls=[url]).returncode == 0
        assert client.check(host, connect=unpinned.address, urls=[url]).returncode == 67
        assert client.accepted() == held

    def test_bug_10_manifest_of_another_app(self, backend, repository, install, serve_manifest, host, tmp_path):
        client, pinned, unpinned = self.served(backend, repository, install, serve_manifest, host)
        other = Repository(tmp_path / "other", "--name", "other-pins")
        other.pin(host, unpinned.key)
        for _ in range(4):
            other.publish()
        self.assert_rejected(client, backend.nginx, other.public, "0 of 1 ", pinned, unpinned)

    @pytest.mark.parametrize("whole_threshold", [False, True])
    def test_bug_10_host_dropped_from_the_charter(self, backend, team_repository, install, serve_manifest, host,
                                                  tmp_path, whole_threshold):
        repository = team_repository
        client, pinned, unpinned = self.served(backend, repository, install, serve_manifest, host)
        online = [repository.keys / name for name in ("snapshot.pem", "timestamp.pem", "zone-main.pem")]
        thief = Thief(repository.public, online + repository.signers[:2 if whole_threshold else 1])
        thief.charter["hosts"] = []
        thief.publish(tmp_path / "forged")
        reason = host if whole_threshold else "1 of 2 "
        self.assert_rejected(client, backend.nginx, tmp_path / "forged", reason, pinned, unpinned)

    def test_bug_10_zone_dropped_from_the_snapshot(self, backend, repository, install, serve_manifest, host, tmp_path):
        client, pinned, unpinned = self.served(backend, repository, install, serve_manifest, host)
        thief = Thief(repository.public, [repository.keys / "snapshot.pem", repository.keys / "timestamp.pem"])
        thief.publish(tmp_path / "forged", edit_snapshot=lambda snapshot: snapshot["meta"].pop("main.json"))
        self.assert_rejected(client, backend.nginx, tmp_path / "forged", "main", pinned, unpinned)
        fresh = install(repository, backend.nginx.serve_directory(tmp_path / "forged"))
        assert fresh.check(host, connect=unpinned.address).returncode == 66

    def test_bug_10_zone_file_cut_out_of_the_body(self, backend, repository, install, serve_manifest, host, tmp_path):
        client, pinned, unpinned = self.served(backend, repository, install, serve_manifest, host)
        repository.publish()
        copy = repository.copy_public(tmp_path / "cut")
        alter_body(copy, lambda entries: entries.pop("zones/main.json"))
        for target in (copy / "targets" / "zones").iterdir():
            target.unlink()
        held = client.accepted()
        url = backend.nginx.serve_directory(copy)
        result = client.check(host, connect=pinned.address, urls=[url])
        assert result.returncode == 0, result.all
        assert "zones/main.json" in result.stderr, result.all
        assert client.accepted() == held
        assert client.check(host, connect=unpinned.address, urls=[url]).returncode == 67
        assert client.check(host, connect=pinned.address).returncode == 0
        assert client.accepted() != held  # the honest server repairs it


class TestBrokenInput:
    """16: a pin that is no SHA-256, and a cache cut short: reject, keep the last good."""

    @pytest.mark.parametrize("text", ["", "x", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
                                      "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU==",
                                      "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
                                      "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",  # bits after the end
                                      " 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                                      base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode(),
                                      base64.b64encode(bytes(20)).decode(), "00" * 32])
    def test_bug_16_pin_that_is_no_sha256_is_not_staged(self, repository, host, text):
        repository.run("host", "add", host, "--zone", "main")
        result = repository.try_run("pin", "add", host, "--sha256", text)
        assert result.returncode == (64 if text == "" else 65), result.all
        assert repository.run("pin", "list", "--json").json["pins"] == []

    @pytest.mark.parametrize("size", [0, 31, 33])
    def test_bug_16_signed_pin_of_a_wrong_length_never_matches(self, backend, repository, install, serve_manifest, host,
                                                               tmp_path, size):
        pinned, unpinned = backend.serve(host), backend.serve(host)
        repository.pin(host, pinned.key)
        repository.publish()
        client = install(repository, serve_manifest(repository))
        assert client.check(host, connect=pinned.address).returncode == 0
        held = client.accepted()
        thief = Thief(repository.public, sorted(repository.keys.glob("*.pem")))
        bad = base64.b64encode(base64.b64decode(spki_pin(unpinned.key_object))[:31].ljust(size, b"\0")[:size]).decode()
        thief.zones["main"]["hosts"][0]["pins"].append({"sha256": bad, "of": "spki", "at": "leaf"})
        url = backend.nginx.serve_directory(thief.publish(tmp_path / "forged"))
        result = client.check(host, connect=pinned.address, urls=[url])
        assert result.returncode == 0, result.all
        assert "rejected: " in result.stderr, result.all
        assert client.accepted() == held
        assert client.check(host, connect=unpinned.address, urls=[url]).returncode == 67

    @pytest.mark.parametrize("keep", ["0", "8", "1000", "half", "all but one", "one more"])
    @pytest.mark.parametrize("name", ["accepted", "roots"])
    def test_bug_16_truncated_store_is_not_an_absent_store(self, backend, repository, install, serve_manifest, host,
                                                           name, keep):
        pinned, unpinned = backend.serve(host), backend.serve(host)
        repository.pin(host, pinned.key)
        repository.publish()
        client = install(repository, serve_manifest(repository))
        assert client.check(host, connect=pinned.address).returncode == 0
        path = client.store / name
        whole = path.read_bytes()
        cut = {"half": whole[:len(whole) // 2], "all but one": whole[:-1], "one more": whole + b"x"}
        path.write_bytes(cut[keep] if keep in cut else whole[:int(keep)])
        damaged = path.read_bytes()
        offline = client.check(host, connect=unpinned.address, urls=[])
        assert offline.returncode in (66, 67, 73), offline.all
        assert client.get(unpinned.url, connect=unpinned.address, urls=[]).returncode in (66, 67, 73)
        assert backend.requests() == []
        if name == "accepted":
            assert path.read_bytes() == damaged, "only a refresh may overwrite it"
        healed = client.check(host, connect=pinned.address)
        assert healed.returncode == 0, healed.all
        assert client.check(host, connect=unpinned.address).returncode == 67
        assert client.check(host, connect=pinned.address, urls=[]).returncode == 0, "healed on disk too"
