# SPDX-License-Identifier: Apache-2.0
"""Fixtures.  Every test has its own directory, ports, authorities and processes; nothing survives a test."""

import pytest

from pki import Authority, Workshop, new_key
from rig.interceptor import Interceptor
from rig.nginx import Nginx
from rig.programs import Client, Pintled, Repository
from rig.switch import Switch

HOST = "api.example.test"


@pytest.fixture
def host():
    return HOST


@pytest.fixture
def workshop(tmp_path):
    return Workshop(tmp_path / "pki")


@pytest.fixture(scope="session")
def root_authority():
    """A CA that the clients of the tests trust."""
    return Authority("Example Test Root")


@pytest.fixture(scope="session")
def authority(root_authority):
    """The intermediate CA that issues the servers' certificates."""
    return Authority("Example Test Issuing CA", root_authority)


@pytest.fixture(scope="session")
def rogue_authority():
    """Another CA that the clients' trust store holds too: one that issues what it should not."""
    return Authority("Other Trusted Root")


@pytest.fixture
def ca(workshop, root_authority, rogue_authority):
    """The trust store of the clients: the right CA, and the rogue one."""
    return workshop.cert_file(root_authority.certificate, rogue_authority.certificate)


class Backend:
    """An nginx with certificates made to measure."""

    def __init__(self, nginx, authority, workshop):
        self.nginx, self.authority, self.workshop = nginx, authority, workshop

    def serve(self, *names, key=None, authority=None, days=(-1, 1200), append=(), **options):
        """A site under names[0]; returns it with .key_object and .certificate.  append: sent after the chain."""
        issuer = authority or self.authority
        certificate, key = issuer.leaf(*names, key=key, days=days)
        chain = self.workshop.cert_file(certificate, *issuer.chain(), *append)
        site = self.nginx.serve(names[0], chain, self.workshop.key_file(key), **options)
        site.certificate, site.key_object = certificate, key
        return site

    def rekey(self, site, key):
        """Replaces the certificate of a running site by one for key."""
        certificate, key = self.authority.leaf(site.host, key=key)
        site.chain.write_bytes(self.workshop.cert_file(certificate, *self.authority.chain()).read_bytes())
        site.key.write_bytes(self.workshop.key_file(key).read_bytes())
        site.certificate, site.key_object = certificate, key
        self.nginx.reload()

    def new_key(self):
        """A key that is not served, as (object, file)."""
        key = new_key()
        return key, self.workshop.key_file(key)

    def requests(self, host=None):
        return self.nginx.requests(host)


@pytest.fixture
def nginx(tmp_path):
    server = Nginx(tmp_path / "nginx")
    yield server
    server.stop()


@pytest.fixture
def backend(nginx, authority, workshop):
    return Backend(nginx, authority, workshop)


@pytest.fixture
def intercept(tmp_path, workshop, rogue_authority):
    """intercept(address) puts sslsplit, with the rogue CA, in front of an address."""
    running = []

    def start(target, authority=rogue_authority, key=None, options=()):
        interceptor = Interceptor(tmp_path / f"interceptor-{len(running)}",
                                  workshop.cert_file(authority.certificate), workshop.key_file(authority.key),
                                  workshop.key_file(key), target, options)
        running.append(interceptor)
        return interceptor

    yield start
    for interceptor in running:
        interceptor.stop()


@pytest.fixture
def switch():
    """switch(address) is a way to it that can be redirected."""
    running = []

    def start(target):
        running.append(Switch(target))
        return running[-1]

    yield start
    for way in running:
        way.stop()


@pytest.fixture
def repository(tmp_path):
    """One of one: all keys in keys/, zone "main"."""
    return Repository(tmp_path / "pins", "--name", "example-pins")


@pytest.fixture
def team_repository(tmp_path):
    """Two of three people, whose keys are kept elsewhere."""
    repository = Repository(tmp_path / "team", "--name", "team-pins", "--offline-keys", "3", "--threshold", "2")
    repository.take_offline([tmp_path / person for person in ("alice", "bob", "carol")])
    return repository


@pytest.fixture
def pintled(tmp_path):
    """pintled(repository, *options) starts the server."""
    running = []

    def start(repository, *words, **options):
        options.setdefault("data", tmp_path / "pintled")
        server = Pintled(getattr(repository, "directory", repository), options.pop("data"), *words, **options)
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def install(tmp_path, ca):
    """install(repository, url...) makes a client with a store of its own."""
    count = [0]

    def make(repository, *urls, **options):
        count[0] += 1
        return Client(tmp_path / f"client-{count[0]}", repository, options.pop("ca", ca), urls, **options)

    return make


@pytest.fixture
def watch():
    """watch(client, url, ...) runs a client until the test ends."""
    running = []

    def start(client, url, *words, **options):
        running.append(client.watch(url, *words, **options))
        return running[-1]

    yield start
    for client in running:
        client.stop()
