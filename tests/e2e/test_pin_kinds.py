# SPDX-License-Identifier: Apache-2.0
"""Every kind of pin against every kind of certificate, over TLS 1.2 and 1.3: what matches, and what must not."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from pki import Authority, cert_pin, spki_pin

PLACES = ["leaf", "issuer", "any"]


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("of", ["spki", "cert"])
def test_position_in_the_verified_chain(backend, authority, root_authority, repository, install, host, of):
    """leaf: index 0.  issuer: index 1 and up, the anchor too, which the server does not send.  any: both."""
    site = backend.serve(host)
    chain = [site.certificate, authority.certificate, root_authority.certificate]
    pin_of = spki_pin if of == "spki" else cert_pin
    repository.run("host", "add", host, "--zone", "main")
    client = None
    for index, certificate in enumerate(chain):
        for at in PLACES:
            repository.run("pin", "add", host, "--sha256", pin_of(certificate), "--of", of, "--at", at)
            repository.publish()
            client = client or install(repository, backend.nginx.serve_directory(repository.public))
            verdict = client.verdict(host, connect=site.address)
            matches = at == "any" or (at == "leaf") == (index == 0)
            assert (verdict["verdict"] == "accept") == matches, (index, at, verdict)
            if matches:
                assert (verdict["matched"], verdict["matched_of"], verdict["matched_position"]) == (
                    pin_of(certificate), of, index)
            # An enforced host must keep a pin: the next one is added before this one goes.
            repository.run("host", "add", host, "--mode", "report")
            repository.run("pin", "remove", host, pin_of(certificate))
            repository.run("host", "add", host, "--mode", "enforce")


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("kind", ["p256", "p384", "ed25519", "rsa"])
def test_key_types(backend, repository, install, host, rsa_key, kind, protocol):
    def make():
        return {"p256": lambda: ec.generate_private_key(ec.SECP256R1()),
                "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
                "ed25519": ed25519.Ed25519PrivateKey.generate,
                "rsa": lambda: rsa.generate_private_key(65537, 2048)}[kind]()

    pinned = backend.serve(host, key=rsa_key if kind == "rsa" else make(), protocols=protocol)
    unpinned = backend.serve(host, key=make(), protocols=protocol)
    repository.pin(host, pinned.key)
    assert repository.run("pin", "list", "--json").json["pins"][0]["sha256"] == spki_pin(pinned.key_object)
    repository.publish()
    client = install(repository, backend.nginx.serve_directory(repository.public))
    assert client.get(pinned.url, connect=pinned.address).returncode == 0
    assert client.get(unpinned.url, connect=unpinned.address).returncode == 67
    assert len(backend.requests(host)) == 1


@pytest.mark.parametrize("names, cn", [
    (["*.example.test"], "wildcard"), (["api.example.test"], ""),
    ([*(f"host-{number}.example.test" for number in range(150)), "api.example.test"], "many"),
    (["API.EXAMPLE.TEST"], "upper case")], ids=["wildcard", "no subject", "150 names", "upper case"])
def test_bug_14_unusual_certificates(backend, authority, workshop, repository, install, host, names, cn):
    certificate, key = authority.leaf(*names, cn=cn)
    if not cn:
        assert certificate.subject == x509.Name([])
    site = backend.nginx.serve(host, workshop.cert_file(certificate, *authority.chain()), workshop.key_file(key))
    other = backend.serve(host)
    repository.pin(host, site.key)
    repository.publish()
    client = install(repository, backend.nginx.serve_directory(repository.public))
    assert client.get(site.url, connect=site.address).returncode == 0
    assert client.get(other.url, connect=other.address).returncode == 67


def test_bug_15_two_cas_of_one_name_both_trusted(backend, authority, root_authority, workshop, repository, install,
                                                 host):
    """15: a pin on one CA must not be met by its namesake, though the trust store holds both."""
    twin_root = Authority("Example Test Root")
    twin = Authority("Example Test Issuing CA", twin_root)
    right, wrong = backend.serve(host), backend.serve(host, authority=twin)
    repository.run("host", "add", host, "--zone", "main")
    for issuer in (authority, root_authority):
        repository.run("pin", "add", host, "--sha256", spki_pin(issuer.key), "--at", "issuer")
    repository.publish()
    both = workshop.cert_file(root_authority.certificate, twin_root.certificate)
    client = install(repository, backend.nginx.serve_directory(repository.public), ca=both)
    assert client.get(wrong.url, connect=wrong.address).returncode == 67
    assert backend.requests(host) == []
    accepted = client.get(right.url, connect=right.address)
    assert accepted.returncode == 0, accepted.all


def test_report_mode_lets_through_and_tells(backend, repository, pintled, install, host):
    site = backend.serve(host)
    server = pintled(repository)
    repository.run("charter", "set", "--report-url", server.url + "/v1/reports")
    repository.run("host", "add", host, "--zone", "main", "--mode", "report")
    repository.run("pin", "add", host, "--key", backend.new_key()[1])
    repository.publish()
    client = install(repository, server.url)
    result = client.get(site.url, connect=site.address)
    assert (result.returncode, result.stdout) == (0, "hello from the backend"), result.all
    (entry,) = server.reports()
    assert (entry["enforce"], entry["chain-spki"][0]) == (False, spki_pin(site.key_object))
    insisting = client.get(site.url, "--require", connect=site.address)
    assert insisting.returncode == 67, "an app that declares the host as required enforces"


def test_most_specific_policy_wins(backend, repository, install):
    names = {name: backend.serve(name) for name in
             ("example.test", "a.example.test", "b.a.example.test", "x.b.a.example.test", "aexample.test")}
    keys = {name: site.key for name, site in names.items()}
    repository.run("host", "add", "example.test", "--zone", "main", "--subdomains")
    repository.run("host", "add", "b.a.example.test", "--zone", "main")
    repository.run("pin", "add", "example.test", "--key", keys["example.test"])
    repository.run("pin", "add", "b.a.example.test", "--key", keys["b.a.example.test"])
    repository.publish()
    client = install(repository, backend.nginx.serve_directory(repository.public))

    def noted(name):
        verdict = client.verdict(name, connect=names[name].address)
        return verdict["verdict"], verdict["policy_host"]

    assert noted("example.test") == ("accept", "example.test")
    assert noted("a.example.test") == ("reject", "example.test")
    assert noted("b.a.example.test") == ("accept", "b.a.example.test")
    assert noted("x.b.a.example.test") == ("reject", "example.test"), "an exact entry does not cover what is below it"
    assert noted("aexample.test") == ("accept", None), "only whole labels count"
