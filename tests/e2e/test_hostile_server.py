# SPDX-License-Identifier: Apache-2.0
"""The client against servers of the manifest that are broken or hostile: bounded, told, and still pinned."""

import time

import pytest

from rig.hostile import PROTOCOL, HostileServer, bomb, cut, dripping, endless, silent, status


@pytest.fixture
def hostile(tmp_path):
    running = []

    def start(directory):
        running.append(HostileServer(directory))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def world(backend, repository, hostile, install, host):
    """A pinned site and one that is not; a client that already holds the pins, and what it is served from now on."""
    class World:
        pinned, unpinned = backend.serve(host), backend.serve(host)

    repository.pin(host, World.pinned.key)
    repository.publish()
    World.server = hostile(repository.public)
    World.client = install(repository, World.server.url)
    assert World.client.check(host, connect=World.pinned.address).returncode == 0
    repository.publish()
    return World


@pytest.mark.parametrize("case", PROTOCOL)
def test_bad_http_is_bounded_and_the_pins_stay(world, host, case):
    world.server.rules = [("/", PROTOCOL[case])]
    held = world.client.accepted()
    start = time.monotonic()
    result = world.client.check(host, "--timeout", "5", connect=world.pinned.address)
    assert time.monotonic() - start < 15, result.all
    assert result.returncode == 0, result.all
    assert "enforcing the last good pins" in result.stderr, result.all
    assert "fetch_failed: " in result.stderr, result.all
    assert world.client.accepted() == held
    assert world.client.check(host, "--timeout", "5", connect=world.unpinned.address).returncode == 67
    world.server.rules = []
    assert "enforcing the last good" not in world.client.check(host, connect=world.pinned.address).stderr
    assert world.client.accepted() != held, "and it recovers"


@pytest.mark.parametrize("path", ["/head/", "/body/"])
@pytest.mark.parametrize("rule, code", [
    (endless, "endless"), (dripping, "dripping"), (silent, "silent"), (cut, "cut"), (bomb, "bomb"),
    (status(500), "500"), (status(503, Retry_After="99999999"), "503"), (status(302, Location="/metadata/"), "302"),
    (status(204), "204"), (lambda handler: handler.answer(200, b""), "empty"),
    (lambda handler: handler.answer(200, b"<html>log in to the Wi-Fi</html>"), "captive portal"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_bad_answers_are_bounded_and_the_pins_stay(world, host, rule, code, path):
    world.server.rules = [(path, rule)]
    held = world.client.accepted()
    start = time.monotonic()
    result = world.client.check(host, "--timeout", "1", connect=world.pinned.address)
    assert time.monotonic() - start < 6, (code, result.all)
    assert result.returncode == 0, result.all
    assert "enforcing the last good pins" in result.stderr, result.all
    assert world.client.accepted() == held
    refused = world.client.check(host, "--timeout", "1", connect=world.unpinned.address)
    assert refused.returncode == 67, refused.all
    world.server.rules = []
    assert "enforcing the last good" not in world.client.check(host, connect=world.pinned.address).stderr
    assert world.client.accepted() != held, "and it recovers"


def test_redirects_are_not_followed(world, hostile, repository, host):
    elsewhere = hostile(repository.public)
    world.server.rules = [("/", status(301, Location=elsewhere.url + "/head/1"))]
    world.client.check(host, connect=world.pinned.address)
    assert elsewhere.asked == []


def test_https_is_not_left_for_http(backend, repository, hostile, install, host):
    """A copy over HTTPS that redirects to one in the clear, on another port: nobody asks there."""
    site, copy, elsewhere = backend.serve(host), backend.serve("127.0.0.1"), hostile(repository.public)
    repository.pin(host, site.key)
    repository.publish()
    copy.root = repository.public
    client = install(repository, f"https://127.0.0.1:{copy.port}")
    assert client.check(host, connect=site.address).returncode == 0
    repository.publish()
    copy.redirect_to(elsewhere.url)
    held = client.accepted()
    result = client.check(host, connect=site.address)
    assert (result.returncode, elsewhere.asked) == (0, []), result.all
    assert "expected HTTP status 200, found 302" in result.stderr and "last good pins" in result.stderr, result.all
    assert client.accepted() == held


def test_plain_tuf_files_are_enough(backend, repository, hostile, install, host):
    """A mirror that only knows TUF: no head, no body."""
    site = backend.serve(host)
    repository.pin(host, site.key)
    repository.publish()
    server = hostile(repository.public)
    for code in (404, 403):
        server.rules = [("/head/", status(code)), ("/body/", status(code)), ("/metadata/2.root.json", status(code))]
        client = install(repository, server.url)
        result = client.get(site.url, connect=site.address)
        assert result.returncode == 0, result.all
        assert "last good" not in result.stderr
        assert any(path.startswith("/targets/zones/") for path in server.asked)


@pytest.mark.parametrize("blocked", ["/metadata/timestamp.json", "/metadata/4.snapshot.json",
                                     "/metadata/3.targets.json", "/metadata/3.main.json",
                                     "/targets/", "/targets/zones/"])
def test_half_an_update_then_block_then_restart(world, repository, host, blocked):
    """The attacker lets some of the plain files through and cuts the rest: still pinned, also after a restart."""
    repository.run("pin", "add", host, "--key", world.unpinned.key)
    repository.run("host", "add", host, "--subdomains")
    repository.publish()
    world.server.rules = [("/head/", status(404)), ("/body/", status(404)), (blocked, status(500))]
    held = world.client.accepted()
    half = world.client.check(host, connect=world.pinned.address)
    assert (half.returncode, "last good" in half.stderr) == (0, True), half.all
    assert any(path.startswith(blocked) for path in world.server.asked), world.server.asked
    assert world.client.accepted() == held
    assert world.client.check(host, connect=world.unpinned.address, urls=[]).returncode == 67
    world.server.rules = []
    assert world.client.check(host, connect=world.unpinned.address).returncode == 0


def test_next_url_is_tried(backend, repository, hostile, install, host):
    site = backend.serve(host)
    repository.pin(host, site.key)
    repository.publish()
    broken, good = hostile(repository.public), hostile(repository.public)
    broken.rules = [("/", status(500))]
    client = install(repository, "http://127.0.0.1:1", broken.url, good.url)
    result = client.get(site.url, connect=site.address)
    assert result.returncode == 0, result.all
    assert broken.asked and good.asked


def test_manifest_over_https_is_validated(backend, repository, install, workshop, ca, host, root_authority,
                                          rogue_authority):
    site, pins = backend.serve(host), backend.serve("127.0.0.1")
    repository.pin(host, site.key)
    repository.publish()
    pins.root = repository.public
    url = f"https://127.0.0.1:{pins.port}"
    client = install(repository, url)
    assert client.get(site.url, connect=site.address).returncode == 0
    assert client.accepted()
    other = install(repository, url, ca=workshop.cert_file(rogue_authority.certificate))
    result = other.check(host, connect=site.address)
    assert result.returncode == 69, result.all
    assert "certificate" in result.stderr
    assert other.accepted() is None


def test_one_small_request_when_nothing_is_new(world, host):
    world.client.check(host, connect=world.pinned.address)
    world.server.asked.clear()
    world.client.check(host, connect=world.pinned.address)
    assert world.server.asked == ["/head/1"]
