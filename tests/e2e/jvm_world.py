# SPDX-License-Identifier: Apache-2.0
"""The servers that applications on the JVM talk to (test_jvm*.py): made once for many tests, each with a repository of its own."""

import itertools

from conftest import Backend
from pki import Workshop, new_key, spki_pin
from rig.interceptor import Interceptor
from rig.nginx import Nginx
from rig.programs import Repository
from rig.websocket import EchoServer

# Who is served by whom; every name is an address of loopback in the JVM.
API, OTHER, THIRD = "api.example.test", "other.example.test", "third.example.test"
UNLISTED = "unlisted.example.test"
ONE, TWO = "one.example.test", "two.example.test"  # one port, one certificate, HTTP/2
SOCKET, OLD, ADDRESS = "socket.example.test", "old.example.test", "127.0.0.1"
EXPIRED, SELF_SIGNED, WRONG_NAME = "expired.example.test", "self-signed.example.test", "wrong-name.example.test"
HOSTS = [API, OTHER, THIRD, UNLISTED, ONE, TWO, SOCKET, OLD, EXPIRED, SELF_SIGNED, WRONG_NAME]


class World:
    """.sites by host; .forged: the address of an interceptor, with a CA that is trusted, in front of API."""

    def __init__(self, directory, authority, root, rogue):
        self.directory = directory
        self.workshop = Workshop(directory / "pki")
        self.nginx = Nginx(directory / "nginx")
        self.backend = Backend(self.nginx, authority, self.workshop)
        self.ca = self.workshop.cert_file(root.certificate, rogue.certificate)
        self.echo = EchoServer()
        self.sites = {host: self.backend.serve(host) for host in (API, OTHER, THIRD, UNLISTED, SOCKET, ADDRESS)}
        self.sites[SOCKET].backend = self.echo.address
        self.sites[OLD] = self.backend.serve(OLD, protocols="TLSv1.2")
        self.sites[EXPIRED] = self.backend.serve(EXPIRED, days=(-30, -1))
        self.sites[WRONG_NAME] = self.backend.serve(WRONG_NAME)
        self.sites[SELF_SIGNED] = self.backend.serve(SELF_SIGNED)
        self.broken_certificates(authority)
        self.two_names()
        self.repositories = directory / "repositories"
        self.repositories.mkdir()
        self.base = self.nginx.serve_directory(self.repositories)
        self.numbers = itertools.count(1)
        self.shared = {}
        self.interceptor = Interceptor(directory / "interceptor", self.workshop.cert_file(rogue.certificate),
                                       self.workshop.key_file(rogue.key), self.workshop.key_file(), self.sites[API].address)

    def broken_certificates(self, authority):
        """Under their own names, with their own pinned keys, and wrong all the same."""
        site = self.sites[WRONG_NAME]
        certificate, _ = authority.leaf("somebody-else.example.test", key=site.key_object)
        site.chain.write_bytes(self.workshop.cert_file(certificate, *authority.chain()).read_bytes())
        site = self.sites[SELF_SIGNED]
        alone = type(authority)(SELF_SIGNED, key=site.key_object)
        certificate, _ = alone.leaf(SELF_SIGNED, key=site.key_object)
        site.chain.write_bytes(self.workshop.cert_file(certificate).read_bytes())

    def two_names(self):
        first = self.backend.serve(ONE, TWO)
        first.http2 = True
        second = self.nginx.serve(TWO, first.chain, first.key, port=first.listen_port)
        second.http2 = True
        second.key_object = first.key_object
        self.sites.update({ONE: first, TWO: second})

    def redirecting(self, location):
        """THIRD redirects everything there."""
        self.sites[THIRD].redirect_to(location)

    def url(self, host, path="/", port=None):
        return f"https://{host}:{port or self.sites[host].port}{path}"

    def lines(self, path):
        """The requests for a path that arrived at a TLS site, each a dictionary."""
        return [entry for entry in self.nginx.requests() if entry["line"].split(" ")[1] == path]

    def path(self):
        """One that nobody else asks for."""
        return f"/path-{next(self.numbers)}"

    def publisher(self, pins):
        """A repository to be changed: {host: whether its own key is pinned}."""
        return Publisher(self, next(self.numbers), pins)

    def published(self, pins):
        """One that stays as it is, for whoever wants it."""
        key = tuple(sorted(pins.items()))
        if key not in self.shared:
            self.shared[key] = self.publisher(pins)
        return self.shared[key]

    def stop(self):
        self.interceptor.stop()
        self.nginx.stop()
        self.echo.stop()


class Publisher:
    """A repository below .url.  A pin is a host's own key (True), or a key that nobody serves (False)."""

    def __init__(self, world, number, pins):
        self.world, self.name = world, f"pins-{number}"
        self.repository = Repository(world.repositories / self.name, "--name", self.name)
        self.url = f"{world.base}/{self.name}/public"
        self.stranger = world.workshop.key_file(new_key())
        self.pins = {}
        for host, served in pins.items():
            self.pin(host, served)
        self.publish()

    def key(self, host, served):
        return self.world.sites[host].key if served else self.stranger

    def pin(self, host, served=True):
        self.repository.pin(host, self.key(host, served))

    def withdraw(self, host):
        """Its served key is pinned no more; another is."""
        self.repository.run("pin", "add", host, "--key", self.stranger)
        self.repository.run("pin", "remove", host, spki_pin(self.world.sites[host].key_object))
        self.publish()

    def publish(self):
        self.repository.publish()

    def fetched(self):
        """The paths that clients of this repository have asked for."""
        return [entry["line"].split(" ")[1].removeprefix(f"/{self.name}/public/") for entry in self.world.nginx.fetched(self.world.base)
                if entry["line"].split(" ")[1].startswith(f"/{self.name}/")]

    def install(self, jvm, shipped=False, **words):
        """A client in the JVM, with its pins; returns its name."""
        name = jvm.name("client")
        jvm.do("client", client=name, roots=self.repository.roots, url=self.url, store=self.world.directory / f"store-{next(self.world.numbers)}",
               shipped=self.repository.shipped if shipped else None, **words)
        jvm.do("refresh", client=name)
        return name
