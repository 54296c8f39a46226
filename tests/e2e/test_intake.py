# SPDX-License-Identifier: Apache-2.0
"""Reports at pintled: what is counted of them, that it is counted once, and what is refused before it costs much."""

import base64
import contextlib
import gzip
import hashlib
import http.client
import json
import os
import random
import signal
import sqlite3
import threading

import pytest

import pki
from rig.process import wait_for
from test_pintled import report

LONG = "PINTLE_LONG" in os.environ


def leaf_of(name):
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


def full(number, **changes):
    """A report that says everything that is counted by."""
    return {**json.loads(report()), "id": f"report-{number:016d}", "chain-spki": [leaf_of("leaf"), leaf_of("root")],
            "manifest": {"zone": "main", "version": 4}, "weight": 10, "success_since_last": 412,
            "app": {"id": "com.example.app", "ver": "1.2", "os": "Debian", "os_ver": "12"},
            "recovery": {"tried": True, "ok": number % 2 == 0}, "hll": [number % 4096, 3], **changes}


def post(server, reports):
    return server.post_report(json.dumps(reports).encode())


class TestCells:
    def test_reports_of_a_kind_are_one_cell(self, repository, pintled):
        server = pintled(repository)
        assert post(server, [full(number) for number in range(50)])[0] == 202
        assert post(server, full(50, host="other.example.test"))[0] == 202
        assert post(server, full(51, **{"chain-spki": []}))[0] == 202
        cells = server.cells("&host=api.example.test&repository=_")
        whole = [cell for cell in cells if cell["leaf"]]
        assert sum(cell["reports"] for cell in whole) == 50  # a minute may have ended in between
        assert sum(cell["weight"] for cell in whole) == 500
        assert sum(cell["successes"] for cell in whole) == 50 * 412
        assert sum(cell["recovery_tried"] for cell in whole) == 50
        assert sum(cell["recovered"] for cell in whole) == 25
        assert max(cell["devices"] for cell in whole) == 50
        labels = ("repository", "host", "reason", "leaf", "zone", "zone_version", "app", "app_version", "os", "seconds")
        assert {tuple(cell[name] for name in labels) for cell in whole} == {
            ("", "api.example.test", "mismatch", leaf_of("leaf"), "main", 4, "com.example.app", "1.2", "Debian", 60)}
        assert len([cell for cell in cells if not cell["leaf"]]) == 1
        assert len(server.cells("&host=other.example.test")) == 1
        assert server.cells("&host=absent.example.test") == []
        assert server.cells("&repository=shop") == []
        assert server.cells("&until=2026-01-01T00:00:00Z") == []
        assert len(server.cells("&since=2026-01-01T00:00:00Z")) == len(server.cells())

    def test_pages_lose_and_repeat_nothing(self, repository, pintled):
        server = pintled(repository)
        for start in range(0, 96, 32):
            assert post(server, [full(n, host=f"h{n}.example.test") for n in range(start, start + 32)])[0] == 202
        hosts, after = [], ""
        while after is not None:
            status, _, page = server.api(f"/v1/cells?limit=7{after}")
            assert status == 200 and len(page["items"]) <= 7
            hosts += [cell["host"] for cell in page["items"]]
            after = page["next"] and f"&after={page['next']}"
        assert sorted(hosts) == sorted(f"h{n}.example.test" for n in range(96))

    @pytest.mark.parametrize("query", ["since=yesterday", "until=2026-13-01T00:00:00Z", "after=x", "after=60.1.00",
                                       "after=60.1.", "limit=0", "colour=red", "host=a&host=b"])
    def test_a_wrong_query_is_told(self, repository, pintled, query):
        status, _, answer = pintled(repository).api(f"/v1/cells?{query}")
        assert status == 400 and answer["error"], query

    def test_what_is_sent_again_counts_once(self, repository, pintled):
        server = pintled(repository)
        batch = [full(number) for number in range(20)]
        for _ in range(3):
            assert post(server, batch)[0] == 202
        assert post(server, batch[3])[0] == 202
        server.process.kill()
        server = pintled(repository, data=server.data)
        assert post(server, batch + [full(20)])[0] == 202
        assert sum(cell["reports"] for cell in server.cells()) == 21

    def test_few_reports_of_a_kind_are_kept_whole(self, repository, pintled):
        server = pintled(repository, "--sample-reports", "3")
        assert post(server, [full(number) for number in range(40)])[0] == 202
        assert post(server, [full(number, host="b.example.test") for number in range(40, 42)])[0] == 202
        kept = [entry["host"] for entry in server.reports()]
        assert kept.count("b.example.test") == 2
        assert 3 <= kept.count("api.example.test") <= 6  # the hour may have ended in between


class TestCompressed:
    def send(self, server, body, encoding="gzip"):
        return server.request("POST", "/v1/reports", body,
                              {"Content-Type": "application/json", "Content-Encoding": encoding})

    def test_gzip_is_undone(self, repository, pintled):
        server = pintled(repository)
        batch = json.dumps([full(number) for number in range(50)]).encode()
        assert self.send(server, gzip.compress(batch))[0] == 202
        assert self.send(server, batch, "identity")[0] == 202
        assert sum(cell["reports"] for cell in server.cells()) == 50

    def test_what_is_no_gzip_or_too_much_of_it_is_refused(self, repository, pintled):
        server = pintled(repository)
        packed = gzip.compress(report())
        cases = {"cut short": (packed[:-4], "gzip", 400), "not gzip": (report(), "gzip", 400),
                 "two members": (packed + packed, "gzip", 400), "empty": (b"", "gzip", 400),
                 "a bomb": (gzip.compress(b" " * (64 << 20)), "gzip", 413),
                 "a large report": (gzip.compress(b" " * 8192 + report()), "gzip", 413),
                 "no JSON": (gzip.compress(b"hello"), "gzip", 400), "another coding": (packed, "br", 415),
                 "two codings": (packed, "gzip, gzip", 415)}
        for name, (body, encoding, want) in cases.items():
            status, _, answer = self.send(server, body, encoding)
            assert (status, b"error" in answer) == (want, True), name
        assert server.cells() == []


class TestForeign:
    """The form of TrustKit and of HPKP: certificates as PEM, pins in quotes."""

    @pytest.fixture
    def chain(self):
        authority = pki.Authority("some CA")
        leaf, _ = authority.leaf("api.example.test")
        return [leaf, authority.certificate]

    def foreign(self, chain, **changes):
        pins = [f'pin-sha256="{pki.spki_pin(certificate)}"' for certificate in chain]
        return {"date-time": "2026-11-21T20:00:00Z", "hostname": "api.example.test", "port": 443,
                "noted-hostname": "example.test", "include-subdomains": True,
                "validated-certificate-chain": [pki.cert_pem(certificate).decode() for certificate in chain],
                "known-pins": [*pins, 'pin-sha1="x"'], **changes}

    def trustkit(self, chain, platform, **changes):
        return self.foreign(chain, **{
            "app-bundle-id": "com.example.app", "app-version": "1.2", "app-platform": platform,
            "app-platform-version": "17.1", "app-vendor-id": "599F9C00-92DC-4B5C-9464-7971F01F8370",
            "trustkit-version": "3.0.4", "enforce-pinning": False, "validation-result": 1, **changes})

    def test_of_each_kind(self, repository, pintled, chain):
        server = pintled(repository)
        served = [pki.cert_pem(certificate).decode() for certificate in chain] * 2
        sent = {"trustkit ios": self.trustkit(chain, "IOS"),
                "trustkit android": self.trustkit(chain, "ANDROID", port=0, **{
                    "date-time": "2026-11-21T21:00:00+0100", "served-certificate-chain": served}),
                "hpkp": self.foreign(chain, **{"effective-expiration-date": "2027-01-01T00:00:00Z"})}
        for name, body in sent.items():
            text = json.dumps(body).replace("/", "\\/")  # as Apple's writer does
            assert server.post_report(text.encode())[0] == 202, name
            assert server.post_report(text.encode())[0] == 202, name
        kept = {(entry["adapter"], entry.get("app", {}).get("os", "")): entry for entry in server.reports()}
        assert set(kept) == {("trustkit", "IOS"), ("trustkit", "ANDROID"), ("hpkp", "")}
        for entry in kept.values():
            assert entry["chain-spki"] == [pki.spki_pin(certificate) for certificate in chain]
            assert entry["chain-sha256"] == [pki.cert_pin(certificate) for certificate in chain]
            assert entry["known-pins"] == entry["chain-spki"]
            assert (entry["host"], entry["date-time"]) == ("api.example.test", "2026-11-21T20:00:00Z")
        assert kept[("trustkit", "IOS")]["enforce"] is False
        app = {"id": "com.example.app", "ver": "1.2", "os": "IOS", "os_ver": "17.1"}
        assert kept[("trustkit", "IOS")]["app"] == app
        assert sum(cell["reports"] for cell in server.cells()) == 3
        assert {cell["leaf"] for cell in server.cells()} == {pki.spki_pin(chain[0])}
        server.stop()
        data = b"".join(path.read_bytes() for path in server.data.iterdir())
        assert b"599F9C00" not in data

    def test_who_sent_it_makes_another_report_of_it(self, repository, pintled, chain):
        server = pintled(repository, "--behind-proxy")
        assert post(server, self.trustkit(chain, "IOS"))[0] == 202
        assert post(server, self.trustkit(chain, "IOS", **{"app-vendor-id": "another"}))[0] == 202
        for address in ("192.0.2.1", "192.0.3.1", "192.0.2.2"):
            assert server.request("POST", "/v1/reports", json.dumps(self.foreign(chain)).encode(),
                                  {"Content-Type": "application/json", "X-Forwarded-For": address})[0] == 202
        assert sum(cell["reports"] for cell in server.cells()) == 4

    def test_what_does_not_fit_is_left_out_or_refused(self, repository, pintled, chain):
        server = pintled(repository)
        long = {"app-version": "1" * 64, "app-bundle-id": "a\"b", "port": 70000, "noted-hostname": "a b",
                "known-pins": [7]}
        assert post(server, self.trustkit(chain, "IOS", **long))[0] == 202
        assert post(server, self.foreign(chain, **{"validated-certificate-chain": ["no PEM"]}))[0] == 202
        kept = server.reports()
        assert [set(entry["app"]) for entry in kept if entry["adapter"] == "trustkit"] == [{"os", "os_ver"}]
        assert not any("port" in entry or "noted-hostname" in entry for entry in kept if entry["adapter"] == "trustkit")
        assert not any("chain-spki" in entry for entry in kept if entry["adapter"] == "hpkp")
        for changes in ({"hostname": "no host"}, {"hostname": 7}, {"date-time": "yesterday"},
                        {"date-time": "2026-11-21T20:00:00+99:99x"}, {"validated-certificate-chain": ["x"] * 17}):
            status, _, answer = post(server, self.foreign(chain, **changes))
            assert status == 400 and json.loads(answer)["error"], changes
        assert post(server, self.foreign(chain, padding="x" * 140000))[0] == 413


class TestSources:
    def send(self, server, address, numbers):
        return server.request("POST", "/v1/reports", json.dumps([full(number) for number in numbers]).encode(),
                              {"Content-Type": "application/json", "X-Forwarded-For": address})

    def test_networks_are_counted_and_addresses_forgotten(self, repository, pintled):
        server = pintled(repository, "--behind-proxy")
        for number in range(60):  # 192.0.0.x ... 192.0.19.x: three addresses each
            assert self.send(server, f"10.9.8.7, 192.0.{number % 20}.{7 + number}", [number])[0] == 202
        assert self.send(server, "2001:db8:1:2::1", [60])[0] == 202
        assert self.send(server, "2001:db8:1:3::1", [61])[0] == 202
        cells = server.cells()
        assert sum(cell["reports"] for cell in cells) == 62
        assert max(cell["networks"] for cell in cells) <= 21
        assert len(cells) > 1 or cells[0]["networks"] == 21  # a minute may have ended in between
        server.stop()
        kept = b"".join(path.read_bytes() for path in server.data.iterdir())
        assert b"192.0." not in kept and b"2001:db8" not in kept
        assert "192.0." not in server.process.output()

    def test_a_network_that_sends_too_many_waits(self, repository, pintled):
        server = pintled(repository, "--behind-proxy", "--reports-per-source", "2")
        assert self.send(server, "192.0.2.1", range(50))[0] == 202  # in debt now
        status, headers, answer = self.send(server, "192.0.2.200", [100])
        assert status == 429 and 1 <= int(headers["retry-after"]) <= 16 and json.loads(answer)["error"]
        assert self.send(server, "192.0.3.1", [100])[0] == 202
        assert post(server, full(101))[0] == 202  # without the header: this machine
        assert 'pintle_reports_dropped_total{reason="rate"} 1' in server.get("/metrics")[2].decode()

    def test_the_last_header_is_the_proxys(self, repository, pintled):
        """Some proxies add a header of their own behind the one that the client sent."""
        server = pintled(repository, "--behind-proxy", "--reports-per-source", "1")

        def send(made_up, first):
            connection = http.client.HTTPConnection(*server.url.removeprefix("http://").split(":"), timeout=10)
            with contextlib.closing(connection):
                connection.putrequest("POST", "/v1/reports")
                body = json.dumps([full(number) for number in range(first, first + 20)]).encode()
                for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body))),
                                    ("X-Forwarded-For", made_up), ("X-Forwarded-For", "192.0.2.1")):
                    connection.putheader(name, value)
                connection.endheaders(body)
                return connection.getresponse().status

        assert [send("198.51.100.1", 0), send("203.0.113.1", 20)] == [202, 429]

    @pytest.mark.parametrize("what", ["text", "cut short", "too much"])
    def test_what_cannot_be_read_costs_its_sender_too(self, repository, pintled, what):
        text = b"[" + b"1," * 50000
        body, encoding = {"text": (text, "identity"), "cut short": (gzip.compress(text)[:-5], "gzip"),
                          "too much": (gzip.compress(b" " * 10 ** 6), "gzip")}[what]
        server = pintled(repository, "--behind-proxy", "--reports-per-source", "2")
        headers = {"Content-Type": "application/json", "Content-Encoding": encoding, "X-Forwarded-For": "192.0.2.1"}
        assert server.request("POST", "/v1/reports", body, headers)[0] in (400, 413)
        assert server.request("POST", "/v1/reports", body, headers)[0] == 429

    def test_without_a_proxy_the_header_is_nobodys_word(self, repository, pintled):
        server = pintled(repository, "--reports-per-source", "1")
        for turn in range(4):
            assert self.send(server, "192.0.2.1", range(turn * 40, turn * 40 + 40))[0] == 202
        assert {cell["networks"] for cell in server.cells()} == {1}


class TestKilled:
    def test_nothing_acknowledged_is_lost_and_nothing_counts_twice(self, repository, pintled):
        """Senders try again with the same ids until they are told that it is stored, whoever kills the server."""
        acknowledged, server, turns = [], pintled(repository), 25 if LONG else 3
        current, stop = [server], threading.Event()

        def sent(batch):
            try:
                return post(current[0], batch)[0] == 202
            except OSError:  # a turn of the loop is slow enough: each tries to connect
                return False

        def send(sender):
            count = 0
            while not stop.is_set():
                count += 1
                first = sender * 10 ** 9 + count * 100
                batch = [full(first + n, host=f"h{n % 3}.example.test") for n in range(random.randint(1, 50))]
                while not sent(batch):
                    pass
                acknowledged.append(len(batch))
                if random.random() < 0.2:
                    sent(batch)  # the answer is taken for lost

        senders = [threading.Thread(target=send, args=(number,)) for number in range(1, 5)]
        for sender in senders:
            sender.start()
        for _ in range(turns):
            before = len(acknowledged)
            wait_for("some batches", lambda before=before: len(acknowledged) > before + 20)
            server.process.send(signal.SIGKILL)
            server.process.wait()
            server = current[0] = pintled(repository, data=server.data)
        stop.set()
        for sender in senders:
            sender.join()
        assert sum(cell["reports"] for cell in server.cells()) == sum(acknowledged)


@pytest.mark.skipif(not LONG, reason="many requests at once; with PINTLE_LONG=1")
class TestFull:
    def test_too_much_that_waits_is_told_to_come_later(self, repository, pintled):
        """The database is held by another program; what waits is bounded, and what was refused is taken later."""
        server = pintled(repository)
        assert post(server, full(0))[0] == 202
        batches = [[full(1 + 64 * number + n, **{"known-pins": [leaf_of("pin")] * 20}) for n in range(64)]
                   for number in range(200)]
        statuses, waits = [], []
        other = sqlite3.connect(server.data / "pintled.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        def send(batch):
            status, headers, _ = post(server, batch)
            statuses.append(status)
            waits.append(headers.get("retry-after"))

        senders = [threading.Thread(target=send, args=(batch,)) for batch in batches]
        for sender in senders:
            sender.start()
        wait_for("the first refusal", lambda: 429 in statuses)
        other.execute("ROLLBACK")
        for sender in senders:
            sender.join()
        assert set(statuses) <= {202, 429, 503}, statuses
        assert all(bool(wait) == (status != 202) for status, wait in zip(statuses, waits))
        with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as statm:
            assert int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") < 200 << 20
        for batch in batches:
            assert post(server, batch)[0] == 202
        assert sum(cell["reports"] for cell in server.cells()) == 1 + 64 * 200
