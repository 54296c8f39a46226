# SPDX-License-Identifier: Apache-2.0
"""Many hosts in many zones, and a client that slept through ten roots: head and body do, in two requests."""

import base64
import hashlib
import os

import pytest

SIZES = [(100, 1), (1000, 10)] + ([(1000, 50), (10000, 50)] if "PINTLE_LONG" in os.environ else [])


def pin_of(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def fill(repository, site, hosts, zones):
    """hosts names with three pins each, dealt out to the zones; the last of them is the site's."""
    names = [f"host{number}.example.test" for number in range(hosts - 1)] + [site.host]
    for zone in range(zones):
        repository.run("zone", "add", f"zone-{zone}")
        repository.run("host", "add", "--zone", f"zone-{zone}", "--from", "-", input="\n".join(names[zone::zones]))
    repository.run("pin", "add", "--from", "-", input="\n".join(f"{name},{pin_of(name + str(pin))}"
                                                                for name in names for pin in range(3)))
    repository.run("pin", "add", site.host, "--key", site.key)


@pytest.mark.parametrize("hosts, zones", SIZES)
def test_head_and_body_at_scale(backend, repository, install, pintled, host, hosts, zones):
    site = backend.serve(host)
    fill(repository, site, hosts, zones)
    repository.publish()
    url = backend.nginx.serve_directory(repository.public, "gzip_static on;")
    away = install(repository, url)

    def follows(client):
        """The verdict is the newest zone's; returns what was asked for."""
        before = len(backend.nginx.fetched(url))
        verdict = client.verdict(host, connect=site.address)
        assert (verdict["reason"], verdict["freshness"]) == ("matched", "fresh"), verdict
        return [entry["line"].split()[1].split("/")[1:] for entry in backend.nginx.fetched(url)[before:]]

    assert [path[0] for path in follows(away)] == ["head", "body"]
    for _ in range(10):
        repository.run("root", "renew")
        repository.publish()
    repository.run("pin", "add", "host0.example.test", "--key", backend.new_key()[1])
    repository.publish()
    asked = follows(away)
    assert asked[0] == ["head", "1"] and [path[0] for path in asked] == ["head", "body"], asked
    assert follows(away) == [["head", "11"]]
    new = install(repository, pintled(repository).url)
    assert new.verdict(host, connect=site.address)["reason"] == "matched"
    assert new.accepted()[:8] == b"PNTL0001" and len(new.accepted()) > 300 * hosts
