# SPDX-License-Identifier: Apache-2.0
"""Alerts: they reach webhooks in the form each wants and a real Alertmanager, once when they fire and once when they
are over, whatever the receiver and the server go through meanwhile."""

import contextlib
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from pki import new_key
from rig.process import wait_for
from rig.receiver import Alertmanager, Receiver
from test_edges import OTHER, pinned, rsa_key, site  # noqa: F401, fixtures
from test_pintled import report


@pytest.fixture
def receiver():
    """receiver(*behaviours) listens."""
    made = []

    def start(*behaviours):
        made.append(Receiver(*behaviours))
        return made[-1]

    yield start
    for each in made:
        each.stop()


def children(server):
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_signer(server):
    """What raises an alert at once; a restart of the server ends it."""
    (signer,) = children(server)
    os.kill(signer, signal.SIGKILL)


def count(server, what):
    """As the database has it."""
    with contextlib.closing(sqlite3.connect(server.data / "pintled.db")) as database:
        return database.execute(f"SELECT count(*) FROM {what}").fetchone()[0]


def firing(server):
    return count(server, "alert WHERE state = 1")


def told(server):
    return count(server, "alert_told")


def of_signer(messages):
    """The statuses of the messages in JSON form about the signer, in order."""
    return [message["status"] for _, message in messages if message["alert"] == "PintleSignerSilent"]


def start(pintled, repository, *webhooks, words=(), **options):
    return pintled(repository, "--alert-every", "1", "--alert-disk", "0",
                   *(word for webhook in webhooks for word in ("--webhook", webhook)), *words, **options)


class TestWebhooks:
    def test_each_form(self, repository, pintled, receiver):
        v4, flat = receiver(), receiver()
        server = start(pintled, repository, f"v4={v4.url('/v4')}", f"json={flat.url('/flat?key=1')}")
        kill_signer(server)
        (path, message), (flat_path, flat_message) = v4.wait_for(1)[0], flat.wait_for(1)[0]
        (alert,) = message["alerts"]
        assert (path, flat_path) == ("/v4", "/flat?key=1")
        assert (message["version"], message["status"], message["receiver"]) == ("4", "firing", "pintled")
        assert alert["labels"] == {"alertname": "PintleSignerSilent", "severity": "ticket"}
        assert alert["endsAt"] == "0001-01-01T00:00:00Z"
        assert (flat_message["alert"], flat_message["status"]) == ("PintleSignerSilent", "firing")
        assert flat_message["fingerprint"] == alert["fingerprint"]
        assert flat_message["fired"] == alert["startsAt"]
        assert "alert: PintleSignerSilent (ticket) fires" in server.process.output()

    def test_one_that_fails_is_tried_again_and_its_secrets_are_not_told(self, repository, pintled, receiver):
        failing = receiver("close", 503)
        url = failing.url("/services/s3cr3t?token=s3cr3t").replace("http://", "http://user:s3cr3t@")
        server = start(pintled, repository, f"json={url}")
        kill_signer(server)
        failing.wait_for(1)
        assert failing.attempts == 3
        said = wait_for("the log", lambda: "can be told again" in server.process.output() and server.process.output())
        assert f"webhook http://{failing.listener.address}: it cannot be told of alerts" in said
        assert said.count("cannot be told") == 1  # not with every try
        assert "s3cr3t" not in said
        _, _, metrics = server.request("GET", "/metrics", base=server.admin)
        assert b'pintle_webhook_requests_total{result="failed"} 2' in metrics
        assert b'pintle_webhook_requests_total{result="taken"} 1' in metrics

    def test_one_that_hangs_stops_neither_the_others_nor_the_end(self, repository, pintled, receiver):
        hanging, quick = receiver(*["hang"] * 20), receiver()
        server = start(pintled, repository, f"v4={hanging.url()}", f"json={quick.url()}")
        kill_signer(server)
        assert of_signer(quick.wait_for(1)) == ["firing"]
        assert server.stop() == 0

    def test_nobody_listens(self, repository, pintled, receiver):
        gone = receiver()
        gone.stop()
        server = start(pintled, repository, f"json={gone.url('/s3cr3t')}")
        kill_signer(server)
        said = wait_for("the log", lambda: "cannot be told" in server.process.output() and server.process.output())
        assert "s3cr3t" not in said
        assert server.get("/healthz")[0] == 200


class TestRestart:
    def test_the_end_is_told_exactly_once(self, repository, pintled, receiver):
        flat = receiver()
        webhook = f"json={flat.url()}"
        server = start(pintled, repository, webhook)
        kill_signer(server)
        flat.wait_for(1)
        wait_for("the note that it was told", lambda: told(server))
        server.stop(signal.SIGKILL)
        for wanted in (2, 3):  # the second time there is nothing to tell until it fires again
            server = start(pintled, repository, webhook)
            if wanted == 3:
                kill_signer(server)
            flat.wait_for(wanted)
            if wanted == 2:
                wait_for("the note that it was told", lambda: not told(server))
                server.stop(signal.SIGKILL)
        assert of_signer(flat.messages) == ["firing", "resolved", "firing"]
        first, over = flat.messages[0][1], flat.messages[1][1]
        assert (over["fingerprint"], over["fired"]) == (first["fingerprint"], first["fired"])
        assert over["resolved"] >= over["fired"]
        events = [line["event"] for line in server.api("/v1/journal?limit=1000")[2]["items"]]
        assert [event for event in events if event.startswith("alert.")] == ["alert.fired", "alert.resolved", "alert.fired"]
        assert server.command("journal", "verify").returncode == 0

    def test_a_receiver_that_was_away_hears_of_what_fires_now(self, repository, pintled, receiver):
        flat = receiver()
        server = start(pintled, repository)
        kill_signer(server)
        wait_for("the alert", lambda: firing(server))
        server.stop(signal.SIGKILL)
        server = start(pintled, repository, f"json={flat.url()}")  # which was never told that it fired
        wait_for("the end", lambda: not firing(server))
        kill_signer(server)
        flat.wait_for(1)
        assert of_signer(flat.messages) == ["firing"]


class TestMismatches:
    def test_many_reports_out_of_nothing_are_a_ticket(self, repository, pintled, receiver):
        flat = receiver()
        server = start(pintled, repository, f"json={flat.url()}", words=("--alert-mismatches", "10"))
        for number in range(9):
            assert server.post_report(report(id=f"report-{number:016d}", weight=1000))[0] == 202
        for number in range(50):  # of another kind: no mismatches
            assert server.post_report(report(id=f"other-{number:017d}", reason="stale_refused"))[0] == 202
        kill_signer(server)  # what is told next was looked for after all of these
        assert of_signer(flat.wait_for(1)) == ["firing"]
        assert server.post_report(report(id="report-of-the-last-straw"))[0] == 202
        message = flat.wait_for(2)[1][1]
        assert (message["alert"], message["severity"]) == ("PintleMismatchRate", "ticket")
        assert message["labels"] == {"alertname": "PintleMismatchRate", "host": "api.example.test", "severity": "ticket"}
        assert message["summary"].startswith("10 reports of the last 15 minutes say that api.example.test ")


class TestSigner:
    @pytest.mark.skipif(not os.environ.get("PINTLE_LONG"), reason="waits for 20 seconds; make test-long runs it")
    def test_one_that_hangs_is_silent_too(self, repository, pintled):
        server = start(pintled, repository)
        (signer,) = children(server)
        os.kill(signer, signal.SIGSTOP)
        server.process.send(signal.SIGHUP)  # asks it at once, which pintled else does every hour
        wait_for("the alert", lambda: firing(server), 60, explain=server.process.output)
        assert "PintleSignerSilent (ticket) fires" in server.process.output()


class TestEdges:
    def test_an_unpinned_key_is_a_page_until_a_pinned_one_is_served(self, site, pinned, pintled, receiver, ca):
        flat = receiver()
        good = site.keys[OTHER]["ec"]
        site.keys[OTHER] = {**site.keys[OTHER], "ec": new_key()}
        site.apply()
        server = start(pintled, pinned, f"json={flat.url()}", words=site.options(ca))
        message = flat.wait_for(1)[0][1]
        assert (message["alert"], message["status"], message["severity"]) == ("PintleEdgeUnpinned", "firing", "page")
        assert message["labels"] == {"alertname": "PintleEdgeUnpinned", "edge": f"{OTHER}:{site.port}", "host": site.host,
                                     "key": "ec", "severity": "page"}
        assert OTHER in message["summary"] and site.host in message["summary"]
        site.keys[OTHER]["ec"] = good
        site.apply()
        over = flat.wait_for(2)[1][1]
        assert (over["status"], over["fingerprint"]) == ("resolved", message["fingerprint"])
        assert firing(server) == 0


class TestList:
    def test_what_fires_and_what_did(self, repository, pintled):
        server = start(pintled, repository)
        assert server.api("/v1/alerts")[2] == {"items": [], "next": None}
        kill_signer(server)
        wait_for("the alert", lambda: firing(server))
        (item,) = server.api("/v1/alerts?state=firing&limit=1")[2]["items"]
        assert (item["alert"], item["state"], item["severity"]) == ("PintleSignerSilent", "firing", "ticket")
        assert item["labels"] == {"alertname": "PintleSignerSilent", "severity": "ticket"}
        assert item["fired"] >= item["since"] and item["resolved"] is None and item["summary"] and item["advice"]
        assert server.api("/v1/alerts?state=resolved")[2]["items"] == []
        assert server.api(f"/v1/alerts?after={item['fingerprint']}")[2]["items"] == []
        server.stop()
        server = start(pintled, repository)
        wait_for("the end", lambda: not firing(server))
        (item,) = server.api("/v1/alerts?state=resolved", token=server.new_token("reader"))[2]["items"]
        assert item["resolved"] >= item["fired"]

    def test_who_may_ask_what(self, repository, pintled):
        server = start(pintled, repository)
        assert server.request("GET", "/v1/alerts", base=server.admin)[0] == 401
        for query in ("state=over", "state=", "limit=0", "surplus=1", "state=firing&state=firing"):
            assert server.api(f"/v1/alerts?{query}")[0] == 400, query


class TestAlertmanager:
    def test_a_real_one_shows_it_and_its_end(self, tmp_path, repository, pintled, receiver):
        alertmanager, flat = Alertmanager(tmp_path / "alertmanager"), receiver()
        try:
            webhooks = f"alertmanager={alertmanager.url}/", f"json={flat.url()}"
            server = start(pintled, repository, *webhooks)
            kill_signer(server)
            shown = wait_for("the alert", lambda: alertmanager.alerts().get("PintleSignerSilent"))
            message = flat.wait_for(1)[0][1]
            assert shown["labels"] == message["labels"]
            assert shown["fingerprint"] == message["fingerprint"]
            assert shown["annotations"]["summary"] == message["summary"]
            assert shown["startsAt"].replace(".000Z", "Z") == message["fired"]
            server.stop()
            assert "PintleSignerSilent" in alertmanager.alerts()
            start(pintled, repository, *webhooks)
            wait_for("the end", lambda: "PintleSignerSilent" not in alertmanager.alerts())
        finally:
            alertmanager.stop()
