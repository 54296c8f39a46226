# SPDX-License-Identifier: Apache-2.0
"""`pintle doctor`: what it says of a healthy store, and of each thing that is wrong."""

import pytest

from rig.programs import pintle


@pytest.fixture
def world(backend, repository, install, workshop, host):
    class World:
        site, fake = backend.serve(host), backend.serve(host)

        @classmethod
        def doctor(cls, *words, code=0, **options):
            done = pintle("doctor", *words, *cls.client.options(**options))
            assert done.returncode == code, done.all
            return done

    repository.pin(host, World.site.key, backend.new_key()[1])
    repository.publish()
    World.client = install(repository, backend.nginx.serve_directory(repository.public))
    return World


def test_a_healthy_client(world, host):
    said = world.doctor(host, connect=world.site.address).stdout
    for text in ("state            fresh", "zone main", "certificate 0", "Mode enforce", "a pin matched"):
        assert text in " ".join(said.split(" ")), said
    whole = world.doctor("--json").json
    assert (whole["state"], whole["healthy"], whole["hosts"][0]["zone_pins"]) == ("fresh", True, 2)
    assert world.doctor("--json", host, connect=world.site.address).json["pins"][0]["by"] == "zone main"


def test_what_would_be_refused(world, backend, host):
    wrong = world.doctor(host, "--json", code=67, connect=world.fake.address)
    assert wrong.json["refused"] is True and [pin["matches"] for pin in wrong.json["pins"]] == [None, None]
    assert f"pintle doctor: {host} would be refused" in wrong.stderr
    assert "stays refused unless" in " ".join(wrong.json["findings"])
    away = world.doctor("elsewhere.example.org", "--json", code=0)
    assert "no key is pinned" in " ".join(away.json["findings"])
    world.doctor("elsewhere.example.org", "--require", code=67)


def test_what_needs_attention(world, repository, host):
    assert world.doctor("--json").json["healthy"] is True
    damaged = world.client.store / "accepted"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    sick = world.doctor("--json", "--no-refresh", code=1)
    assert sick.json["state"] == "unverified" and "cannot be verified" in " ".join(sick.json["findings"])
    for pin in world.doctor(host, "--json").json["pins"][1:]:
        repository.run("pin", "remove", host, pin["sha256"])
    repository.publish()
    assert "Publish a backup" in " ".join(world.doctor(host, "--json", code=1).json["findings"])
