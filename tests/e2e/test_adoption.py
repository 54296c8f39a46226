# SPDX-License-Identifier: Apache-2.0
"""Adoption: which versions the fleet holds, as polls, reports and access logs tell it."""

import datetime
import json
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

    def test_one_network_counts_so_often_a_day(self, repository, pintled):
        server = pintled(repository, "--adoption-per-source", "20")
        for _ in range(50):
            poll(server, "charter=1")
        assert server.stop() == 0
        assert rows(server) == {("", "poll", "", 1, "other", "", "other"): (20, 0, 0)}


class TestReports:
    def test_successes_count_with_their_weight_and_once(self, repository, pintled, host):
        repository.run("host", "add", host, "--zone", "main")
        repository.run("pin", "add", host, "--sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
        repository.publish()
        server = pintled(repository)
        assert server.api("/v1/releases", "POST", {"app": "shop", "version": "3"})[0] == 201
        report = {"v": 1, "type": "pintle.total", "host": host, "reason": "total", "date-time": "2026-11-21T20:00:00Z",
                  "id": "0123456789abcdef", "manifest": {"zone": "main", "version": 2, "charter": 2}, "weight": 10,
                  "success_since_last": 41, "app": {"id": "shop", "ver": "3", "os": "iOS", "os_ver": "17"}}
        for changes in ({}, {}, {"id": "1" * 16, "manifest": {"zone": "main", "version": 3, "charter": 2}},
                        {"id": "2" * 16, "app": {"id": "x", "ver": "3", "os": "iOS", "os_ver": "17"}}):
            assert server.post_report(json.dumps({**report, **changes}).encode())[0] == 202
        assert server.stop() == 0
        assert rows(server) == {("", "report", "main", 2, "shop", "3", "ios"): (410, 0, 0),
                                ("", "report", "main", 2, "other", "", "other"): (410, 0, 0)}


class TestReleases:
    def test_registered_ones_are_told_apart_and_the_journal_knows_them(self, repository, pintled):
        server = pintled(repository, *FLUSH)
        assert server.command("release", "add", "my app", "1.2", "--supported-generation", "7").returncode == 0
        assert server.command("release", "add", "my app", "1.2").returncode == 64
        listed = server.command("release", "list").stdout
        assert listed.startswith("my_app 1.2 added ") and listed.endswith(" generation 7\n"), listed
        status, _, made = server.api("/v1/releases", "POST", {"app": "shop", "version": "3"})
        assert (status, made["app"], made["supported_generation"]) == (201, "shop", None)
        assert server.api("/v1/releases", "POST", {"app": "shop", "version": "3"})[0] == 409
        status, _, page = server.api("/v1/releases?limit=1")
        assert [item["app"] for item in page["items"]] == ["my_app"]
        _, _, page = server.api(f"/v1/releases?after={page['next']}")
        assert [item["app"] for item in page["items"]] == ["shop"] and page["next"] is None
        poll(server, "charter=1;app=shop/3;os=Android/14;d=1")
        wait_for("the poll to be kept", lambda: rows(server))
        assert rows(server) == {("", "poll", "", 1, "shop", "3", "android"): (1, 1, 0)}
        assert server.api("/v1/releases/shop/3", "DELETE")[0] == 204
        assert server.api("/v1/releases/shop/3", "DELETE")[0] == 404
        assert server.command("release", "remove", "my_app", "1.2").returncode == 0
        assert server.command("release", "remove", "my_app", "1.2").returncode == 1
        events = [item["event"] for item in server.api("/v1/journal")[2]["items"] if item["event"].startswith("release")]
        assert events == ["release.added", "release.added", "release.removed", "release.removed"]

    def test_what_is_no_release_is_refused(self, repository, pintled):
        server = pintled(repository)
        for body in ({}, [], {"app": "a"}, {"app": "", "version": "1"}, {"app": "other", "version": "1"},
                     {"app": "a", "version": 1}, {"app": "a" * 64, "version": "1"}, {"app": "a\0", "version": "1"},
                     {"app": "\u00e4", "version": "1"}, {"app": "a", "version": "1", "generation": 1},
                     {"app": "a", "version": "1", "supported_generation": 0}):
            status, _, answer = server.api("/v1/releases", "POST", body)
            assert status == 400 and answer["error"], body
        assert server.api("/v1/releases")[2]["items"] == []


def batch(name, *counted, **more):
    day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    return {"batch": name, "rows": [{"day": day, "zone": None, "version": 1, "hits": 1, **row} for row in counted], **more}


class TestApi:
    def test_a_batch_is_counted_once(self, repository, pintled):
        server = pintled(repository)
        body = batch("batch-0000000001", {"hits": 5, "d": 2, "w": 1}, {"hits": 2}, {"version": 2, "hits": 9},
                     {"zone": "nowhere", "hits": 3})
        assert server.api("/v1/adoption", "POST", body)[::2] == (200, {"known": False, "counted": 7, "refused": 12})
        assert server.api("/v1/adoption", "POST", body)[::2] == (200, {"known": True, "counted": 0, "refused": 12})
        server.process.kill()
        again = pintled(repository, data=server.data)
        assert again.api("/v1/adoption", "POST", body)[2]["known"]
        assert rows(again) == {("", "log", "", 1, "other", "", "other"): (7, 2, 1)}

    def test_counts_and_shares(self, repository, pintled, host):
        repository.run("host", "add", host, "--zone", "main")
        repository.run("pin", "add", host, "--sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
        repository.publish()
        server = pintled(repository)
        assert server.command("release", "add", "shop", "3").returncode == 0
        server.stop()
        server = pintled(repository, data=server.data)
        shop = {"zone": "main", "app": "shop", "app_version": "3"}
        old = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=8)).date().isoformat()
        server.api("/v1/adoption", "POST", batch(
            "batch-0000000001", {**shop, "os": "ios", "version": 2, "hits": 90, "d": 9, "w": 3},
            {**shop, "os": "android", "version": 1, "hits": 10, "d": 1}, {"zone": "main", "version": 1, "hits": 100},
            {"zone": "main", "version": 1, "hits": 1000, "day": old}))
        status, _, page = server.api("/v1/adoption/zones")
        (zone,) = page["items"]
        assert (status, zone["zone"], zone["published"], zone["at_least"]) == (200, "main", 2, 2)
        assert zone["all"] == {"hits": 200, "d": 10, "w": 3, "hits_ppm": 450000, "d_ppm": 900000, "w_ppm": 1000000}
        assert zone["registered"] == {"hits": 100, "d": 10, "w": 3, "hits_ppm": 900000, "d_ppm": 900000, "w_ppm": 1000000}
        assert [(row["version"], row["registered"], row["hits"]) for row in zone["versions"]] == [
            (1, False, 100), (1, True, 10), (2, True, 90)]
        metrics = server.request("GET", "/metrics", base=server.admin)[2].decode()
        for weight, share in (("hits", "0.900000"), ("d", "0.900000"), ("w", "1.000000")):
            assert f'pintle_adoption_ratio{{zone="main",version="2",weight="{weight}"}} {share}\n' in metrics
        assert server.api("/v1/adoption/zones?version=1")[2]["items"][0]["all"]["hits_ppm"] == 1000000
        assert server.api("/v1/adoption/zones?days=20")[2]["items"][0]["all"]["hits"] == 1200
        assert server.api("/v1/adoption/zones?after=main")[2] == {"items": [], "next": None}
        seen, after = [], ""
        while after is not None:
            _, _, page = server.api("/v1/adoption?limit=1" + (f"&after={after}" if after else ""))
            seen += [(row["version"], row["app"], row["os"], row["source"], row["hits"]) for row in page["items"]]
            after = page["next"]
        assert seen == [(1, "other", "other", "log", 100), (1, "shop", "android", "log", 10), (2, "shop", "ios", "log", 90)]

    def test_what_is_no_batch_is_refused(self, repository, pintled):
        server = pintled(repository)
        name = "x" * 16
        for body in ({}, [], {"batch": "short", "rows": []}, {"batch": name}, {"batch": "x" * 64, "rows": []},
                     {"batch": name[1:] + "'", "rows": []}, {"batch": name, "rows": [], "more": 1},
                     batch(name, {"hits": 0}), batch(name, {"hits": -1}), batch(name, {"d": 2}),
                     batch(name, {"day": "2026-02-30"}), batch(name, {"day": "2026-1-1"}), batch(name, {"zone": "A"}),
                     batch(name, {"app": "a b"}), batch(name, {"app": "a" * 64}), batch(name, {"surplus": 1}),
                     batch(name, *[{}] * 2001)):
            assert server.api("/v1/adoption", "POST", body)[0] == 400, body
        assert rows(server) == {}

    def test_who_may_ask_for_what(self, repository, pintled):
        server = pintled(repository)
        reader, operator = server.new_token("reader"), server.new_token("operator")
        for path in ("/v1/adoption", "/v1/adoption/zones", "/v1/releases"):
            assert server.request("GET", path, base=server.admin)[0] == 401
            assert server.api(path, token=reader)[0] == 200
        assert server.api("/v1/adoption", "POST", batch("x" * 16), token=reader)[0] == 403
        assert server.api("/v1/adoption", "POST", batch("x" * 16), token=operator)[0] == 200
        assert server.api("/v1/adoption", "POST", batch("x" * 16, repository="none"))[0] == 404
        for query in ("?days=0", "?days=91", "?limit=0", "?after=x", "?after=a/b/c/d/e/f", "?who=me"):
            assert server.api("/v1/adoption" + query)[0] == 400, query
        assert server.api("/v1/adoption?repository=none")[0] == 404
