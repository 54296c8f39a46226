# SPDX-License-Identifier: Apache-2.0
"""A publisher on a full disk and on one that cannot be written: told in a line, and nobody's pins suffer."""

import pytest

from rig.disk import Disk
from rig.programs import Repository, pintle


@pytest.fixture
def disk(tmp_path):
    mounted = Disk(tmp_path / "disk", 2 << 20)
    yield mounted
    mounted.close()


@pytest.fixture
def world(disk, backend, install, host):
    """A repository on a disk of its own; the client has its pin, and the next one is staged."""
    class World:
        repository = Repository(disk.directory / "pins", "--name", "example-pins")
        site, next_site = backend.serve(host), backend.serve(host)

        @classmethod
        def codes(cls):
            return [cls.client.check(host, connect=site.address).returncode for site in (cls.site, cls.next_site)]

    World.repository.pin(host, World.site.key)
    World.repository.publish()
    World.client = install(World.repository, backend.nginx.serve_directory(World.repository.public))
    assert World.codes() == [0, 67]
    return World


def refuses(repository, *words):
    refused = repository.try_run(*words)
    assert refused.returncode == 73, refused.all
    (line,) = refused.stderr.splitlines()
    assert str(repository.directory) in line, refused.all
    return line


def test_full_disk(world, disk, host):
    repository = world.repository
    disk.fill()
    staged = refuses(repository, "pin", "add", host, "--key", world.next_site.key)
    assert "No space left on device" in staged and "make room" in staged
    assert repository.run("diff", "--json").json["changes"] == []
    disk.drain()
    repository.run("pin", "add", host, "--key", world.next_site.key)
    old, refusals = repository.timestamp(), 0
    for pages in (0, 1, 3, 6, 10, 15, 21):
        disk.fill(leave=pages << 12)
        published = repository.try_run("publish")
        if published.returncode:
            assert published.returncode == 73, published.all
            assert "No space left on device" in published.stderr, published.all
            refusals += 1
        codes = world.codes()
        assert codes == ([0, 67] if repository.timestamp() == old else [0, 0]), (pages, codes)
        disk.drain()
    assert refusals > 2
    repository.publish()
    assert world.codes() == [0, 0]
    assert pintle("verify", repository.directory).returncode == 0
    assert not list(repository.directory.rglob("*.new"))


def test_read_only_disk(world, disk, host):
    repository = world.repository
    repository.run("pin", "add", host, "--key", world.next_site.key)
    before = repository.run("diff").stdout
    disk.read_only()
    for words in (["publish"], ["root", "rotate", "--online"], ["charter", "renew"]):
        assert "Read-only file system" in refuses(repository, *words)
    for words in (["status"], ["diff"], ["host", "list"], ["root", "list"]):
        assert repository.try_run(*words).returncode == 0, words
    assert repository.run("diff").stdout == before
    assert world.codes() == [0, 67]
    disk.read_only(False)
    repository.publish()
    assert world.codes() == [0, 0]
