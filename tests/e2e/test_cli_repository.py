# SPDX-License-Identifier: Apache-2.0
"""Making, changing, signing, publishing and verifying a repository with the command line."""

import gzip
import json
import os
import random
import resource
import shutil
import stat
import subprocess
import time

import pytest

from pki import cert_pem, cert_pin, spki_pin
from rig.clock import clock
from rig.programs import Repository, binary, pintle, pintle_ok
from thief import Thief, alter_body, alter_signature, alter_timestamp


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


class TestInit:
    def test_init_alone_yields_a_working_repository(self, tmp_path, backend, install, host):
        pintle_ok("init", "--repo", tmp_path / "pins")
        verified = pintle("verify", tmp_path / "pins", "--json")
        assert verified.returncode == 0, verified.all
        assert (verified.json["root_version"], verified.json["hosts"]) == (1, 0)
        for name in ("app/roots", "app/shipped", "public/head/1", "public/metadata/timestamp.json"):
            assert (tmp_path / "pins" / name).is_file(), name

    def test_keys_are_for_their_owner_only(self, tmp_path):
        old = os.umask(0)
        try:
            repository = Repository(tmp_path / "pins", "--offline-keys", "3", "--threshold", "2")
            repository.run("zone", "add", "payments")
            pintle_ok("key", "new", tmp_path / "extra.pem")
        finally:
            os.umask(old)
        keys = sorted(path.name for path in repository.keys.iterdir())
        assert keys == sorted([f"{role}-{n}.pem" for role in ("root", "targets") for n in (1, 2, 3)] +
                              ["snapshot.pem", "timestamp.pem", "zone-main.pem", "zone-payments.pem"])
        assert {mode(path) for path in [*repository.keys.iterdir(), tmp_path / "extra.pem"]} == {0o600}
        assert mode(repository.keys) == 0o700
        for path in repository.keys.iterdir():
            assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----")

    def test_public_holds_no_private_key(self, repository):
        for path in repository.public.rglob("*"):
            if path.is_file():
                assert b"PRIVATE" not in path.read_bytes()
                assert mode(path) & 0o444 == 0o444, f"a web server must be able to read {path}"

    @pytest.mark.parametrize("key_type, tuf_type", [(None, "ecdsa"), ("p256", "ecdsa"), ("ed25519", "ed25519")])
    def test_key_types(self, tmp_path, key_type, tuf_type):
        repository = Repository(tmp_path / "pins", *(["--key-type", key_type] if key_type else []))
        root = json.loads((repository.public / "metadata" / "1.root.json").read_text())["signed"]
        assert {key["keytype"] for key in root["keys"].values()} == {tuf_type}
        repository.run("zone", "add", "other")
        repository.publish()
        assert pintle("verify", repository.directory).returncode == 0

    def test_nothing_that_exists_is_overwritten(self, repository):
        before = {path: path.read_bytes() for path in repository.directory.rglob("*") if path.is_file()}
        again = pintle("init", "--repo", repository.directory)
        assert again.returncode == 73, again.all
        assert {path: path.read_bytes() for path in repository.directory.rglob("*") if path.is_file()} == before
        key = next(repository.keys.iterdir())
        assert pintle("key", "new", key).returncode == 73
        assert key.read_bytes() == before[key]

    @pytest.mark.parametrize("words", [["--offline-keys", "0"], ["--offline-keys", "2", "--threshold", "3"],
                                       ["--threshold", "0"], ["--zone", "Main"], ["--zone", "targets"],
                                       ["--zone", "../x"], ["--key-type", "rsa"], ["--name", 'a"b']])
    def test_bad_settings_leave_nothing_behind(self, tmp_path, words):
        result = pintle("init", "--repo", tmp_path / "pins", *words)
        assert result.returncode in (64, 65), result.all
        assert not (tmp_path / "pins" / "keys").exists()
        assert pintle("init", "--repo", tmp_path / "pins").returncode == 0, "and it works afterwards"


class TestPassphrase:
    def test_encrypted_keys(self, tmp_path, backend, host):
        secret, wrong = tmp_path / "passphrase", tmp_path / "wrong"
        secret.write_text("correct horse battery staple\n")
        wrong.write_text("wrong\n")
        repository = Repository(tmp_path / "pins", "--passphrase-file", secret)
        targets = repository.keys / "targets-1.pem"
        assert targets.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        assert "ENCRYPTED" not in (repository.keys / "timestamp.pem").read_text()
        repository.pin(host, backend.new_key()[1])

        without = repository.try_run("publish")
        assert without.returncode == 66, without.all
        assert "targets: 0 of 1 signatures" in without.stderr
        assert "--passphrase-file" in without.stderr
        refused = repository.try_run("sign", "--key", targets, "--passphrase-file", wrong)
        assert refused.returncode == 65, refused.all
        assert "correct horse" not in refused.all and "wrong\n" not in refused.stdout
        unasked = repository.try_run("sign", "--key", targets)  # no terminal to ask
        assert unasked.returncode == 65, unasked.all
        assert "--passphrase-file" in unasked.stderr
        repository.run("sign", "--key", targets, "--passphrase-file", secret)
        repository.publish()
        assert pintle("verify", repository.directory).returncode == 0

    def test_key_new_and_show(self, tmp_path):
        secret = tmp_path / "passphrase"
        secret.write_text("p\u00e4ss phrase with spaces \n")
        for type_ in ("p256", "ed25519"):
            key = tmp_path / f"{type_}.pem"
            pintle_ok("key", "new", key, "--type", type_, "--passphrase-file", secret)
            shown = pintle("key", "show", key, "--passphrase-file", secret, "--json", cwd=tmp_path)
            assert shown.returncode == 0, shown.all
            assert (shown.json["type"], len(shown.json["keyid"])) == (type_, 64)

    def test_empty_passphrase_file_does_not_mean_no_encryption(self, tmp_path):
        empty = tmp_path / "empty"
        empty.write_text("")
        result = pintle("key", "new", tmp_path / "key.pem", "--passphrase-file", empty)
        assert result.returncode == 65, result.all
        assert not (tmp_path / "key.pem").exists()


class TestSigning:
    def test_two_of_three_sign_one_after_another(self, backend, team_repository, install, host, tmp_path):
        repository = team_repository
        site = backend.serve(host)
        repository.pin(host, site.key)
        before = (repository.public / "metadata" / "timestamp.json").read_bytes()
        for count, key in ((0, None), (1, repository.signers[2])):
            if key:
                assert f"targets: {count} of 2 signatures" in repository.run("sign", "--key", key).stdout
            refused = repository.try_run("publish")
            assert refused.returncode == 66, refused.all
            assert f"targets: {count} of 2 signatures" in refused.stderr
            assert "pintle sign" in refused.stderr, "it says what to do"
            assert (repository.public / "metadata" / "timestamp.json").read_bytes() == before
        repository.run("sign", "--key", repository.signers[2])  # the same person again counts once
        assert repository.try_run("publish").returncode == 66
        assert "targets: 2 of 2 signatures" in repository.run("sign", "--key", repository.signers[0]).stdout
        repository.publish()
        client = install(repository, backend.nginx.serve_directory(repository.public))
        assert client.get(site.url, connect=site.address).returncode == 0
        assert pintle("verify", repository.directory).returncode == 0

    def test_an_edit_after_signing_voids_the_signatures(self, backend, team_repository, host):
        repository = team_repository
        repository.pin(host, backend.new_key()[1])
        for key in repository.signers[:2]:
            repository.run("sign", "--key", key)
        repository.pin("other.example.test", backend.new_key()[1])
        refused = repository.try_run("publish")
        assert refused.returncode == 66
        assert "targets: 0 of 2 signatures" in refused.stderr

    def test_zone_pins_need_no_offline_key(self, backend, team_repository, host):
        repository = team_repository
        repository.pin(host, backend.new_key()[1])
        repository.sign_and_publish()
        repository.run("pin", "add", host, "--key", backend.new_key()[1])
        repository.publish()
        assert len(repository.run("pin", "list", "--json").json["pins"]) == 2
        repository.run("pin", "add", host, "--key", backend.new_key()[1], "--permanent")
        assert repository.try_run("publish").returncode == 66, "a charter pin does"

    def test_key_that_may_sign_nothing_is_told_so(self, backend, repository, host, tmp_path):
        pintle_ok("key", "new", tmp_path / "stranger.pem")
        assert repository.try_run("sign", "--key", tmp_path / "stranger.pem").returncode == 65
        repository.pin(host, backend.new_key()[1])
        result = repository.try_run("sign", "--key", tmp_path / "stranger.pem")
        assert result.returncode == 65, result.all
        assert "targets" not in result.stdout.split("stranger.pem")[-1]
        assert repository.try_run("sign", "--key", tmp_path / "missing.pem").returncode in (65, 73)

    def test_zone_signed_by_a_team_with_its_own_key(self, backend, repository, host, tmp_path):
        team_key = tmp_path / "payments.pem"
        pintle_ok("key", "new", team_key)
        repository.run("zone", "add", "payments", "--key", team_key)
        assert not (repository.keys / "zone-payments.pem").exists()
        repository.pin(host, backend.new_key()[1], zone="payments")
        refused = repository.try_run("publish")
        assert refused.returncode == 66, refused.all
        assert "payments: 0 of 1 signatures" in refused.stderr
        repository.run("sign", "--key", team_key)
        repository.publish()
        assert pintle("verify", repository.directory).returncode == 0


class TestChanging:
    def test_pins_from_every_source_agree(self, backend, authority, workshop, repository, host, tmp_path):
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        site = backend.serve(host)
        key, certificate = site.key_object, site.certificate
        csr = x509.CertificateSigningRequestBuilder().subject_name(certificate.subject).sign(key, hashes.SHA256())
        files = {"cert": cert_pem(certificate), "csr": csr.public_bytes(serialization.Encoding.PEM),
                 "key": key.public_key().public_bytes(serialization.Encoding.PEM,
                                                      serialization.PublicFormat.SubjectPublicKeyInfo)}
        repository.run("host", "add", host, "--zone", "main")
        added = repository.run("pin", "add", host, "--sha256", spki_pin(key)).stdout
        assert "as before" not in added
        for option, content in files.items():
            (tmp_path / option).write_bytes(content)
            assert "as before" in repository.run("pin", "add", host, f"--{option}", tmp_path / option).stdout
        (tmp_path / "der").write_bytes(certificate.public_bytes(serialization.Encoding.DER))
        assert "as before" in repository.run("pin", "add", host, "--cert", tmp_path / "der").stdout
        assert "as before" in repository.run("pin", "add", host, "--key", site.key).stdout
        probed = repository.run("pin", "add", host, "--probe", site.address)
        assert "as before" in probed.stdout
        assert "warning" in probed.stderr and "proof" in probed.stderr, probed.all
        repository.run("pin", "add", host, "--cert", tmp_path / "cert", "--of", "cert")
        pins = {(pin["of"], pin["sha256"]) for pin in repository.run("pin", "list", host, "--json").json["pins"]}
        assert pins == {("spki", spki_pin(key)), ("cert", cert_pin(certificate))}

    def test_request_with_a_broken_signature_is_no_source(self, repository, host, tmp_path):
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from pki import common_name, new_key
        csr = x509.CertificateSigningRequestBuilder().subject_name(common_name(host)).sign(new_key(), hashes.SHA256())
        der = bytearray(csr.public_bytes(serialization.Encoding.DER))
        der[-1] ^= 1
        (tmp_path / "bad.csr").write_bytes(bytes(der))
        repository.run("host", "add", host, "--zone", "main")
        result = repository.try_run("pin", "add", host, "--csr", tmp_path / "bad.csr")
        assert result.returncode == 65, result.all
        assert "signature" in result.stderr

    @pytest.mark.parametrize("words, said", [
        (["host", "add", "bad host", "--zone", "main"], "host"),
        (["host", "add", "*.example.test", "--zone", "main"], "host"),
        (["host", "add", "example..test", "--zone", "main"], "host"),
        (["host", "add", "h\u00f6st.example.test", "--zone", "main"], "xn--"),
        (["host", "add", "a" * 64 + ".example.test", "--zone", "main"], "host"),
        (["host", "add", "api.example.test", "--zone", "nowhere"], "nowhere"),
        (["host", "release", "unknown.example.test"], "unknown.example.test"),
        (["pin", "add", "unknown.example.test", "--sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="],
         "unknown.example.test"),
        (["pin", "list", "unknown.example.test"], "unknown.example.test"),
        (["zone", "add", "main"], "main"),
        (["zone", "add", "UPPER"], "UPPER"),
        (["zone", "add", "../../x"], "zone name"),
        (["zone", "add", "timestamp"], "timestamp"),
    ], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
    def test_bad_names_are_refused_and_change_nothing(self, repository, words, said):
        before = repository.run("diff", "--json").json
        result = repository.try_run(*words)
        assert result.returncode in (64, 65), result.all
        assert said in result.stderr, result.all
        assert repository.run("diff", "--json").json == before

    @pytest.mark.parametrize("content", [b"", b"not PEM at all", b"-----BEGIN CERTIFICATE-----\nAAAA\n"
                                         b"-----END CERTIFICATE-----\n", b"\x30\x82\xff\xff"])
    @pytest.mark.parametrize("option", ["--cert", "--key", "--csr"])
    def test_files_that_hold_no_key(self, repository, host, tmp_path, option, content):
        (tmp_path / "file").write_bytes(content)
        repository.run("host", "add", host, "--zone", "main")
        result = repository.try_run("pin", "add", host, option, tmp_path / "file")
        assert result.returncode == 65, result.all
        assert str(tmp_path / "file") in result.stderr
        missing = repository.try_run("pin", "add", host, option, tmp_path / "missing")
        assert missing.returncode == 73, missing.all

    def test_enforced_host_without_pins_is_not_published(self, repository, host):
        repository.run("host", "add", host, "--zone", "main")
        result = repository.try_run("publish")
        assert result.returncode in (65, 66), result.all
        assert host in result.stderr

    def test_released_host_is_no_longer_pinned(self, backend, repository, install, host):
        pinned, other = backend.serve(host), backend.serve(host)
        repository.pin(host, pinned.key)
        repository.publish()
        client = install(repository, backend.nginx.serve_directory(repository.public))
        assert client.get(other.url, connect=other.address).returncode == 67
        repository.run("host", "release", host)
        repository.publish()
        assert client.get(other.url, connect=other.address).returncode == 0
        listed = repository.run("host", "list", "--json").json
        assert (listed["hosts"], listed["released"]) == ([], [host])
        assert client.get(other.url, "--require", connect=other.address).returncode == 67, "the app may insist"

    def test_subdomains_mode_and_denial(self, backend, repository, install):
        site = backend.serve("a.b.example.test")
        repository.run("host", "add", "example.test", "--zone", "main", "--subdomains", "--mode", "report")
        repository.run("pin", "add", "example.test", "--key", backend.new_key()[1])
        repository.publish()
        client = install(repository, backend.nginx.serve_directory(repository.public))
        verdict = client.verdict(site.host, connect=site.address)
        assert (verdict["verdict"], verdict["mode"], verdict["policy_host"]) == ("accept", "report", "example.test")
        repository.run("host", "add", "example.test", "--mode", "enforce")
        repository.publish()
        assert client.check(site.host, connect=site.address).returncode == 67
        repository.run("host", "add", "example.test", "--mode", "report")
        repository.run("pin", "add", "example.test", "--key", site.key, "--deny")
        repository.publish()
        verdict = client.verdict(site.host, connect=site.address)
        assert (verdict["verdict"], verdict["mode"]) == ("reject", "report"), "a denial holds in report mode too"

    def test_diff_says_in_words_what_is_staged(self, backend, repository, host):
        assert "nothing is staged" in repository.run("diff").stdout
        key, file = backend.new_key()
        repository.pin(host, file)
        text = repository.run("diff").stdout
        assert host in text and spki_pin(key) in text
        changes = repository.run("diff", "--json").json["changes"]
        assert {change["role"] for change in changes} == {"targets", "main"}
        repository.publish()
        assert repository.run("diff", "--json").json["changes"] == []

    def test_charter_settings(self, repository):
        repository.run("charter", "set", "--report-url", "https://collector.example.test/v1/reports",
                       "--refresh-seconds", "60")
        assert "collector.example.test" in repository.run("diff").stdout
        repository.publish()
        charter = Thief(repository.public, []).charter
        assert charter["reports"]["to"] == ["https://collector.example.test/v1/reports"]
        assert charter["refresh_seconds"]["default"] == 60
        for words in (["--report-url", "ftp://x/"], ["--refresh-seconds", "0"], ["--refresh-seconds", "x"], []):
            assert repository.try_run("charter", "set", *words).returncode in (64, 65)


class TestRenewal:
    """Roles expire; nothing but a signature has to change."""

    def test_zone_past_its_date_is_stale_and_still_enforced(self, backend, install, host, tmp_path):
        past = clock("-100d")
        repository = Repository(tmp_path / "pins", env=past)
        site, other = backend.serve(host), backend.serve(host)
        for words in (["host", "add", host, "--zone", "main"], ["pin", "add", host, "--key", site.key], ["publish"]):
            repository.run(*words, env=past)
        assert any("main has expired" in notice for notice in repository.run("status", "--json").json["notices"])
        repository.publish()
        client = install(repository, backend.nginx.serve_directory(repository.public))
        verdict = client.verdict(host, connect=site.address)
        assert (verdict["verdict"], verdict["freshness"]) == ("accept", "stale")
        assert client.check(host, connect=other.address).returncode == 67
        repository.run("zone", "renew", "main")
        repository.publish()
        verdict = client.verdict(host, connect=site.address)
        assert (verdict["verdict"], verdict["freshness"], verdict["zone_version"]) == ("accept", "fresh", 2)

    def test_targets_past_their_date_are_renewed(self, backend, install, host, tmp_path):
        repository = Repository(tmp_path / "pins", env=clock("-360d"))
        client = install(repository, backend.nginx.serve_directory(repository.public))
        before = repository.run("status", "--json").json
        repository.run("charter", "renew")
        repository.publish()
        after = repository.run("status", "--json").json
        roles = {role["role"]: role for role in after["roles"]}
        assert (roles["targets"]["version"], roles["targets"]["days_left"] > 300) == (2, True)
        assert after["charter_version"] == before["charter_version"], "what it says has not changed"
        client.check(host, connect="127.0.0.1:1")
        assert client.accepted()


class TestJson:
    @pytest.mark.parametrize("words", [["status"], ["diff"], ["host", "list"], ["pin", "list"], ["zone", "list"],
                                       ["key", "show", "KEY"]], ids=" ".join)
    def test_json_is_one_object(self, backend, repository, host, words):
        repository.pin(host, backend.new_key()[1])
        words = [str(repository.keys / "timestamp.pem") if word == "KEY" else word for word in words]
        result = repository.run(*words, "--json")
        assert isinstance(result.json, dict) and result.stderr == ""
        assert repository.run(*words).stdout != ""

    def test_probe_json(self, backend, authority, ca, host):
        site = backend.serve(host)
        result = pintle("probe", host, "--address", site.address, "--ca", ca, "--json")
        assert result.returncode == 0, result.all
        assert result.json["valid"] is True
        assert result.json["certificates"][0]["spki"] == spki_pin(site.key_object)
        assert result.json["certificates"][1]["spki"] == spki_pin(authority.key)
        untrusted = pintle("probe", host, "--address", site.address, "--json")
        assert untrusted.json["valid"] is False
        assert backend.requests() == []


class TestEnvironment:
    def test_repository_from_the_environment_and_the_current_directory(self, repository, tmp_path):
        by_option = repository.run("status", "--json").json
        by_variable = pintle_ok("status", "--json", env={"PINTLE_REPO": str(repository.directory)}, cwd=tmp_path).json
        by_place = pintle_ok("status", "--json", cwd=repository.directory).json
        for report in (by_option, by_variable, by_place):
            for role in report["roles"]:
                del role["days_left"]  # a whole day fewer from one second to the next
        for found in (by_variable, by_place):
            assert found["roles"] == by_option["roles"]
        nowhere = pintle("status", cwd=tmp_path)
        assert nowhere.returncode == 73, nowhere.all
        assert "pintle init" in nowhere.stderr

    def test_output_that_cannot_be_written(self, repository):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([binary("pintle"), "status", "--json", "--repo", repository.directory], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        assert done.returncode == 73


class TestVerify:
    def test_path_and_url(self, backend, repository, host):
        repository.pin(host, backend.new_key()[1])
        repository.publish()
        url = backend.nginx.serve_directory(repository.public)
        for where in (repository.directory, repository.public, url):
            result = pintle("verify", where, "--roots", repository.roots, "--json")
            assert result.returncode == 0, result.all
            assert (result.json["charter_version"], result.json["hosts"]) == (2, 1)
            assert [(zone["zone"], zone["version"]) for zone in result.json["zones"]] == [("main", 2)]

    def test_wrong_anchor(self, repository, tmp_path):
        other = Repository(tmp_path / "other")
        result = pintle("verify", repository.directory, "--roots", other.roots)
        assert result.returncode == 66, result.all

    def test_nothing_there(self, tmp_path):
        assert pintle("verify", tmp_path / "missing").returncode in (69, 73)
        assert pintle("verify", "http://127.0.0.1:1/", "--timeout", "2").returncode == 69

    @pytest.mark.parametrize("name", ["signature", "timestamp cut", "body cut", "metadata", "target", "head missing",
                                      "body missing", "compressed body", "compressed body of another",
                                      "compressed metadata", "compressed metadata of nothing",
                                      "target missing", "heads disagree"])
    def test_tampered_repository_is_rejected_with_its_reason(self, backend, repository, host, tmp_path, name):
        repository.pin(host, backend.new_key()[1])
        repository.publish()
        public = repository.copy_public(tmp_path / "copy")
        reason = self.tamper(public, name)
        result = pintle("verify", public)
        assert result.returncode in (65, 66, 69, 73), result.all
        assert reason in result.stderr, result.all
        assert pintle("verify", repository.public).returncode == 0

    @staticmethod
    def tamper(public, name):
        """Breaks one thing; returns a word of the reason that has to be told."""
        one_hash = next((public / "targets" / "zones").glob("*.main.json"))
        if name == "signature":
            alter_timestamp(public, alter_signature)
            return "timestamp: 0 of 1 "
        if name == "timestamp cut":
            alter_timestamp(public, lambda data: data[:-2])
            return "timestamp"
        if name == "body cut":
            alter_body(public, lambda entries: entries.pop("zones/main.json"))
            return "zones/main.json"
        if name == "metadata":
            path = public / "metadata" / "2.targets.json"
            path.write_bytes(path.read_bytes().replace(b'"version":2', b'"version":3'))
            return "targets"
        if name == "target":
            for path in (public / "targets").glob("*.charter.json"):
                path.write_bytes(path.read_bytes().replace(b"enforce", b"report "))
            return "charter"
        if name == "head missing":
            (public / "head" / "1").unlink()
            return "head"
        if name == "body missing":
            for path in (public / "body").iterdir():
                path.unlink()
            return "body"
        if name == "compressed body":
            for path in (public / "body").glob("*.gz"):
                path.write_bytes(path.read_bytes()[:-1])
            return "cut short"
        if name == "compressed body of another":
            for path in (public / "body").glob("*.gz"):
                path.write_bytes(gzip.compress(b"another"))
            return "the file beside it"
        if name == "compressed metadata":
            path = public / "metadata" / "2.targets.json.gz"
            path.write_bytes(path.read_bytes()[:-1])
            return "2.targets.json.gz"
        if name == "compressed metadata of nothing":
            path = public / "metadata" / "1.targets.json"  # which nothing refers to any more
            path.unlink()
            return "that is missing"
        if name == "target missing":
            for path in (public / "targets" / "zones").iterdir():
                path.unlink()
            return "main.json"
        assert name == "heads disagree" and one_hash
        (public / "metadata" / "timestamp.json").write_bytes(
            alter_signature((public / "metadata" / "timestamp.json").read_bytes()))
        return "timestamp"


class TestInterruption:
    def test_two_publishers_at_once_lose_nothing(self, backend, repository, host):
        """Edits from many processes: each waits for its turn, and every one of them is there in the end."""
        from concurrent.futures import ThreadPoolExecutor
        repository.pin(host, backend.new_key()[1])
        files = [backend.new_key()[1] for _ in range(6)]
        with ThreadPoolExecutor(6) as pool:
            results = list(pool.map(lambda file: repository.try_run("pin", "add", host, "--key", file), files))
            assert [result.returncode for result in results] == [0] * 6, [result.all for result in results]
            results = list(pool.map(lambda _: repository.try_run("publish"), range(4)))
            assert [result.returncode for result in results] == [0] * 4, [result.all for result in results]
        assert len(repository.run("pin", "list", "--json").json["pins"]) == 7
        assert pintle("verify", repository.directory).returncode == 0

    @pytest.mark.parametrize("limit", [0, 1, 700, "body", "app/shipped"])
    def test_full_disk(self, backend, repository, install, host, limit):
        """Files that cannot grow past a limit: told, and what was published stays whole."""
        site = backend.serve(host)
        repository.pin(host, site.key)
        repository.publish()
        client = install(repository, backend.nginx.serve_directory(repository.public))
        before = repository.timestamp()
        limits = {"body": max(path.stat().st_size for path in (repository.public / "body").iterdir()) - 20,
                  "app/shipped": repository.shipped.stat().st_size - 20}  # signatures differ in length by some bytes
        bytes_ = limits.get(limit, limit)
        full = subprocess.run([binary("pintle"), "publish", "--repo", repository.directory], capture_output=True,
                              text=True, check=False, restore_signals=False,  # SIGXFSZ stays ignored: write() fails
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_)))
        assert full.returncode == 73, full.stderr
        assert full.stderr
        if limit != "app/shipped":  # written last, when clients have the rest already
            assert repository.timestamp() == before
        seen = client.check(host, connect=site.address)
        assert (seen.returncode, seen.stderr) == (0, ""), seen.all
        repository.publish()
        assert pintle("verify", repository.directory).returncode == 0

    def test_lost_stage_is_not_lost_publication(self, backend, repository, host):
        repository.pin(host, backend.new_key()[1])
        repository.publish()
        shutil.rmtree(repository.directory / "stage")
        assert pintle("verify", repository.directory).returncode == 0
        assert repository.run("pin", "list", "--json").json["pins"][0]["host"] == host

    def test_killed_publishers_leave_a_repository_that_clients_take(self, backend, repository, install, host):
        site = backend.serve(host)
        repository.pin(host, site.key)
        repository.publish()
        client = install(repository, backend.nginx.serve_directory(repository.public))
        shuffle = random.Random(7)
        for _ in range(12):
            process = subprocess.Popen([binary("pintle"), "publish", "--repo", repository.directory],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(shuffle.random() * 0.03)
            process.kill()
            process.wait()
            seen = client.check(host, connect=site.address)
            assert (seen.returncode, seen.stderr) == (0, ""), seen.all
        repository.publish()
        verified = pintle("verify", repository.directory)
        assert verified.returncode == 0, verified.all


class TestCheckForMonitoring:
    @pytest.mark.parametrize("at, code, said", [
        ("+1d", 0, []), ("+49h", 1, ["timestamp expires soon"]), ("+61d", 66, ["timestamp has expired", "main expires soon"]),
        ("+91d", 66, ["main has expired"]), ("+250d", 66, ["root expires soon", "targets expires soon"]),
        ("+366d", 66, ["root has expired", "targets has expired"])])
    def test_expiry_is_in_the_exit_code(self, repository, at, code, said):
        done = repository.try_run("status", "--check", env=clock(at))
        assert done.returncode == code, done.all
        assert len(done.stderr.splitlines()) == (code != 0)
        for line in said:
            assert line in done.stderr
        assert "roles:" in done.stdout  # what there is to say is said all the same
        assert repository.try_run("status", env=clock(at)).returncode == 0
