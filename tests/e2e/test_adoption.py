# SPDX-License-Identifier: Apache-2.0
"""Adoption: which versions the fleet holds, as polls, reports and access logs tell it."""

import sqlite3

from rig.process import wait_for

FLUSH = ("--adoption-flush", "1")


def rows(server):
    """What is kept: (repository, source, zone, version, app, app_version, os) -> (hits, days, weeks), of all days."""
    with sqlite3.connect(server.data / "pintled.db") as database:
        return {tuple(row[:7]): tuple(row[7:]) for row in database.execute(
            "SELECT repository, source, zone, version, app, app_version, os, sum(hits), sum(day_devices),"
            " sum(week_devices) FROM adoption GROUP BY 1, 2, 3, 4, 5, 6, 7")}


def poll(server, header, path="/head/1"):
    assert server.request("GET", path, headers={"Pintle-Manifest": header})[0] == 200


class TestPolls:
    def test_a_client_is_counted_with_what_it_holds(self, backend, repository, pintled, install, host):
        site = backend.serve(host)
        repository.pin(host, site.key)
        repository.publish()
        server = pintled(repository, *FLUSH)
        fresh, shipped = install(repository, server.url), install(repository, server.url, shipped=True)
        for client in (fresh, shipped):
            assert client.get(site.url, connect=site.address).returncode == 0
        want = {("", "poll", "", 0, "other", "", "other"): (1, 1, 1),
                ("", "poll", "", 2, "other", "", "other"): (1, 1, 1),
                ("", "poll", "main", 2, "other", "", "other"): (1, 1, 1)}
        wait_for("both polls to be kept", lambda: rows(server) == want, explain=lambda: rows(server))

    def test_what_was_counted_survives_a_stop_and_a_crash(self, repository, pintled):
        server = pintled(repository)
        poll(server, "charter=1;d=1")
        assert server.stop() == 0
        assert rows(server)["", "poll", "", 1, "other", "", "other"] == (1, 1, 0)
        again = pintled(repository, *FLUSH, data=server.data)
        poll(again, "charter=1")
        wait_for("the poll to be kept", lambda: rows(again)["", "poll", "", 1, "other", "", "other"] == (2, 1, 0))
        again.process.kill()
        assert rows(again)["", "poll", "", 1, "other", "", "other"] == (2, 1, 0)

    def test_forged_headers_leave_nothing(self, repository, pintled):
        server = pintled(repository)
        for header in ("charter=2", "charter=99999", "charter=1,nowhere=1", "charter=1;app=" + "a" * 64, "charter=1'--",
                       "charter=1;app='); DROP TABLE adoption; --/1", "x" * 5000, "charter=1," * 90):
            assert server.request("GET", "/head/1", headers={"Pintle-Manifest": header})[0] == 200
        for number in range(50):
            poll(server, f"charter=1;app=app{number}/{number};os=os{number}/{number}")
        assert server.request("HEAD", "/head/1", headers={"Pintle-Manifest": "charter=1"})[0] == 200
        assert server.request("GET", "/head/9", headers={"Pintle-Manifest": "charter=1"})[0] == 404
        assert server.stop() == 0
        assert rows(server) == {("", "poll", "", 1, "other", "", "other"): (51, 0, 0)}
