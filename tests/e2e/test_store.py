# SPDX-License-Identifier: Apache-2.0
"""The client's store: shared by processes, cut short by kills, taken from elsewhere."""

import random
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rig.programs import Repository, binary


@pytest.fixture
def world(backend, repository, install, host):
    class World:
        pinned, unpinned = backend.serve(host), backend.serve(host)

    repository.pin(host, World.pinned.key)
    repository.publish()
    World.client = install(repository, backend.nginx.serve_directory(repository.public))
    return World


def test_processes_share_a_store_while_the_publisher_is_busy(world, repository, host):
    def check(number):
        site = world.unpinned if number % 3 == 0 else world.pinned
        return number, world.client.check(host, connect=site.address)

    with ThreadPoolExecutor(6) as pool:
        checks = [pool.submit(check, number) for number in range(18)]
        for _ in range(3):
            repository.publish()
        for done in checks:
            number, result = done.result()
            assert result.returncode == (67 if number % 3 == 0 else 0), result.all
    last = world.client.verdict(host, connect=world.pinned.address)
    assert (last["verdict"], last["freshness"]) == ("accept", "fresh")


def test_killed_clients_leave_a_store_that_loads_and_pins(world, repository, host):
    assert world.client.check(host, connect=world.pinned.address).returncode == 0
    shuffle = random.Random(11)
    for _ in range(12):
        repository.publish()
        words = ["check", host, *world.client.options(world.pinned.address)]
        process = subprocess.Popen([binary("pintle"), *map(str, words)], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(shuffle.random() * 0.04)
        process.kill()
        process.wait()
        offline = world.client.check(host, connect=world.unpinned.address, urls=[])
        assert offline.returncode == 67, offline.all
        assert "could not be" not in offline.stderr, offline.all
    assert world.client.check(host, connect=world.pinned.address, urls=[]).returncode == 0


def test_store_of_another_repository_is_not_taken(world, backend, install, host, tmp_path):
    other = Repository(tmp_path / "other", "--name", "other-pins")
    other.pin(host, world.unpinned.key)
    other.publish()
    stranger = install(other, backend.nginx.serve_directory(other.public))
    assert stranger.check(host, connect=world.unpinned.address).returncode == 0
    assert world.client.check(host, connect=world.pinned.address).returncode == 0
    shutil.rmtree(world.client.store)
    shutil.copytree(stranger.store, world.client.store)
    offline = world.client.check(host, connect=world.unpinned.address, urls=[])
    assert offline.returncode in (66, 67), offline.all
    assert world.client.check(host, connect=world.pinned.address).returncode == 0
    assert world.client.check(host, connect=world.unpinned.address).returncode == 67


def test_withdrawn_pin_stays_withdrawn_after_a_restart(world, repository, host):
    from pki import spki_pin
    assert world.client.get(world.pinned.url, connect=world.pinned.address).returncode == 0
    repository.run("pin", "add", host, "--key", world.unpinned.key)
    repository.run("pin", "remove", host, spki_pin(world.pinned.key_object))
    repository.publish()
    assert world.client.get(world.unpinned.url, connect=world.unpinned.address).returncode == 0
    for urls in ([], world.client.urls):
        assert world.client.get(world.pinned.url, connect=world.pinned.address, urls=urls).returncode == 67


def test_store_that_cannot_be_written(world, host, tmp_path):
    """A file where the directory should be: told, and nothing is unpinned."""
    world.client.store.write_text("not a directory")
    result = world.client.get(world.unpinned.url, connect=world.unpinned.address)
    assert result.returncode in (66, 67, 73), result.all
    assert result.stdout == ""


def test_deleted_store_is_a_new_client(world, repository, host):
    assert world.client.check(host, connect=world.pinned.address).returncode == 0
    shutil.rmtree(world.client.store)
    nothing = world.client.check(host, connect=world.unpinned.address, urls=[])
    assert nothing.returncode == 66, nothing.all
    assert world.client.check(host, connect=world.unpinned.address).returncode == 67
