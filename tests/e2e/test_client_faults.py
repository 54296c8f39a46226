# SPDX-License-Identifier: Apache-2.0
"""A client whose store lies on a full disk, or on one that became read-only: the old pins go on, and it says why."""

import pytest

from rig.disk import Disk


@pytest.fixture
def disk(tmp_path):
    mounted = Disk(tmp_path / "disk", 256 << 10)
    yield mounted
    mounted.close()


@pytest.fixture
def world(disk, backend, repository, install, host):
    """A client with the first site's pin in a store on a disk of its own; the second's is published when told so."""
    class World:
        old, new, stray = (backend.serve(host) for _ in range(3))

        @classmethod
        def checks(cls):
            return [cls.client.check(host, connect=site.address) for site in (cls.old, cls.new, cls.stray)]

        @classmethod
        def codes(cls):
            return [check.returncode for check in cls.checks()]

        @staticmethod
        def publish():
            repository.run("pin", "add", host, "--key", World.new.key)
            repository.publish()

    repository.pin(host, World.old.key)
    repository.publish()
    World.client = install(repository, backend.nginx.serve_directory(repository.public))
    World.client.store = disk.directory / "store"
    assert World.codes() == [0, 67, 67]
    return World


def goes_on(world, why):
    """The old pins alone, and each time the reason on the error stream, with the file."""
    checks = world.checks()
    assert [check.returncode for check in checks] == [0, 67, 67], [check.all for check in checks]
    for check in checks:
        assert why in check.stderr and str(world.client.store) in check.stderr, check.all


def test_full_disk(world, disk):
    world.publish()
    refusals = 0
    for pages in range(4):
        disk.fill(leave=pages << 12)
        fits = world.codes() == [0, 0, 67]
        if not fits:
            goes_on(world, "No space left on device")
            refusals += 1
        disk.drain()
        if fits:
            break
    assert refusals > 0
    assert world.codes() == [0, 0, 67]
    assert sorted(path.name for path in world.client.store.iterdir()) == ["accepted", "adoption", "lock", "reports", "roots"]


def test_read_only_disk(world, disk):
    disk.read_only()
    for check, code in zip(world.checks(), [0, 67, 67]):
        assert check.returncode == code and "Read-only" not in check.stderr, check.all
    world.publish()
    goes_on(world, "Read-only file system")
    disk.read_only(False)
    assert world.codes() == [0, 0, 67]
