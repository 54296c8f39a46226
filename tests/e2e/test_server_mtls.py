# SPDX-License-Identifier: Apache-2.0
"""--admin-client-ca: the administrative listener answers who shows a certificate that its authorities vouch for."""

import http.client
import ssl

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from pki import Authority, build, common_name, new_key
from rig.process import LOOPBACK


def client_certificate(authority, usage=ExtendedKeyUsageOID.CLIENT_AUTH, days=(-1, 10)):
    key = new_key()
    extensions = [(x509.BasicConstraints(False, None), True), (x509.ExtendedKeyUsage([usage]), False)]
    return build(common_name("ci"), key.public_key(), authority.name, authority.key, days, extensions), key


@pytest.fixture
def people():
    """The authority of the clients; no server has a certificate of it."""
    return Authority("People")


@pytest.fixture
def server(repository, pintled, authority, workshop, people):
    certificate, key = authority.leaf(LOOPBACK)
    return pintled(repository, "--tls-cert", workshop.cert_file(certificate, *authority.chain()), "--tls-key",
                   workshop.key_file(key), "--admin", f"{LOOPBACK}:0", "--admin-client-ca",
                   workshop.cert_file(people.certificate))


@pytest.fixture
def ask(server, workshop, ca):
    """ask(path, (certificate, key), base=...) is the status of one request over a connection of its own."""
    def ask(path, shown=None, base=None, chain=()):
        context = ssl.create_default_context(cafile=ca)
        if shown:
            context.load_cert_chain(workshop.cert_file(shown[0], *chain), workshop.key_file(shown[1]))
        host, port = (base or server.admin).removeprefix("https://").split(":")
        connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=10)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
            return connection.getresponse().status
        finally:
            connection.close()

    return ask


def test_who_is_answered(server, ask, people, rogue_authority):
    good = client_certificate(people)
    assert ask("/v1/journal", good) == 200
    assert ask("/metrics", good) == 200
    below = Authority("Team", people)
    assert ask("/v1/journal", client_certificate(below), chain=[below.certificate]) == 200
    for name, shown in (("none", None), ("of a stranger", client_certificate(rogue_authority)),
                        ("of a stranger with the same name", client_certificate(Authority("People"))),
                        ("expired", client_certificate(people, days=(-10, -1))),
                        ("of the future", client_certificate(people, days=(1, 10))),
                        ("of a server", client_certificate(people, ExtendedKeyUsageOID.SERVER_AUTH))):
        for path in ("/v1/journal", "/metrics", "/healthz", "/nothing"):
            assert ask(path, shown) == 403, (name, path)
    assert ask("/head/1", base=server.url) == 200, "clients of the public listener are asked for nothing"


def test_the_token_is_needed_besides(server, ask, people, workshop, ca):
    context = ssl.create_default_context(cafile=ca)
    certificate, key = client_certificate(people)
    context.load_cert_chain(workshop.cert_file(certificate), workshop.key_file(key))
    host, port = server.admin.removeprefix("https://").split(":")
    connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=10)
    connection.request("GET", "/v1/journal")
    assert connection.getresponse().status == 401
    connection.close()
