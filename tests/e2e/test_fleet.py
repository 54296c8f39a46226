# SPDX-License-Identifier: Apache-2.0
"""What a fleet costs and tells its servers: requests counted at nginx, reports in batches at pintled, devices in a log."""

import json

import pytest

from fleet import INTERVAL, Herd, Outage, crash, playing, publish
from test_pintled import report


@pytest.fixture
def world(backend, repository, install, host):
    class World:
        site = backend.serve(host)
        url = None

        @classmethod
        def polls(cls):
            return [line for line in backend.nginx.fetched(cls.url) if line["line"].startswith("GET /head/")]

    repository.pin(host, World.site.key, backend.new_key()[1])
    repository.publish()
    World.url = backend.nginx.serve_directory(repository.public)
    World.client = install(repository, World.url)
    return World


def test_a_refusal_costs_one_request_more(world, backend, repository, host):
    assert world.client.check(host, connect=world.site.address).returncode == 0
    assert len(world.polls()) == 1
    backend.rekey(world.site, backend.new_key()[0])
    for asked in (3, 5):  # a poll at each start, and what the refusal asked for
        assert world.client.check(host, connect=world.site.address).returncode == 67
        assert len(world.polls()) == asked
    repository.run("pin", "add", host, "--key", world.site.key)
    repository.publish()
    assert world.client.check(host, connect=world.site.address).returncode == 0
    assert len(world.polls()) == 6


def test_devices_are_counted_once_a_day(world, backend, repository, install, host):
    other = install(repository, world.url)
    for client in (world.client, world.client, other, world.client):
        assert client.get(f"https://{host}/", connect=world.site.address).returncode == 0
    said = [line["manifest"] for line in backend.requests(host)]
    assert ["d=1" in value for value in said] == [True, False, True, False], said
    assert ["d=1" in line["manifest"] for line in world.polls()] == [True, False, True, False], world.polls()
    assert "app=pintle-cli/1" in world.polls()[0]["manifest"]
    assert world.client.get(f"https://{host}/", connect=world.site.address, store=False).returncode == 0
    assert "d=1" not in backend.requests(host)[-1]["manifest"]  # a store that does not last is no device


def test_batches_of_reports(repository, pintled):
    repository.publish()
    server = pintled(repository)
    batch = [json.loads(report(id=f"{number:032x}")) for number in range(64)]
    assert server.post_report(json.dumps(batch).encode())[0] == 202
    assert server.post_report(json.dumps(batch[:3]).encode())[0] == 202  # again: stored once
    assert len(server.reports()) == 64
    wrong = [json.loads(report(id="f" * 32)), {**batch[0], "user": "x"}]
    status, _, body = server.post_report(json.dumps(wrong).encode())
    assert status == 400 and b"report 2 of the array" in body, body
    for body in (b"[]", json.dumps([*batch, batch[0]]).encode(), b"[" + report() + b",7]"):
        assert server.post_report(body)[0] == 400, body
    assert len(server.reports()) == 64


def test_a_fleet_loses_its_server_and_regains_it(tmp_path):
    with playing(tmp_path / "fleet", 200) as (served, fleet):
        outage = Outage(served, fleet, INTERVAL)
        assert outage.lost > outage.settled > 0
        assert outage.failed == 0 and len(outage.arrivals) == 200 and outage.arrivals[-1] <= 1.1 * INTERVAL, outage.arrivals
        herd = Herd(served, fleet, crash)
        assert (herd.kept, herd.twice, herd.missing) == (200, 0, set()), herd.refused


def test_what_is_published_reaches_every_client_by_its_next_poll(tmp_path):
    with playing(tmp_path / "fleet", 50) as (served, fleet):
        served.start()
        fleet.play(3 * INTERVAL)
        arrivals = publish(served, fleet)
        assert len(arrivals) == 50 and 0 < arrivals[0] and arrivals[-1] <= 1.1 * INTERVAL, arrivals
