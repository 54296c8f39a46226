# SPDX-License-Identifier: Apache-2.0
"""The administrative API: who may ask what, what it answers, and that docs/openapi.yaml describes it."""

import concurrent.futures
import hashlib
import http.client
import itertools
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys

import pytest
import yaml

from rig.process import LOOPBACK, wait_for
from rig.programs import ROOT, Repository, clean_environment

SCOPES = ["reader", "operator", "publisher", "admin"]
OPENAPI = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
LONG = bool(os.environ.get("PINTLE_LONG"))


def described():
    """(METHOD, path with {} for parameters, scope, listener) of every operation of the description."""
    for path, operations in OPENAPI["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                yield (method.upper(), re.sub(r"\{\w+\}", "{}", path), operation["x-scope"],
                       operation.get("x-listener", "administrative"))


def routed():
    """The same of the table of routes, as far as it is below /v1."""
    table = (ROOT / "server" / "routes.c").read_text().split("} routes[] = {")[1].split("\n};")[0]
    for path, method, clients, administrators, scope in re.findall(
            r'\{"(/v1/[^"]+)",\s*PTI_HTTP_(\w+),\s*(true|false),\s*(true|false),\s*\w+,\s*PTI_SCOPE_(\w+),', table):
        yield (method, path, scope.lower(), "administrative" if administrators == "true" else "public")
        assert (clients == "true") != (administrators == "true"), path


def test_the_description_has_every_route_and_no_other():
    assert sorted(described()) == sorted(routed())
    assert len(list(described())) > 8


def test_every_operation_names_its_refusals():
    for path, operations in OPENAPI["paths"].items():
        for method, operation in operations.items():
            wanted = {"400", "401", "403", "429", "503"} if operation["x-scope"] != "none" else {"400", "503"}
            assert wanted <= set(operation["responses"]), (method, path)


OPERATIONS = [(method, path.replace("{}", "nobody"), scope) for method, path, scope, listener in described()
              if listener == "administrative"]


# What is to end a string, a statement or a line, somewhere.
HOSTILE = ["'", '"', "';DROP TABLE token;--", "' OR '1'='1", "\\", "%", "x' UNION SELECT hash FROM token--", "\x1b[31m",
           "\r\nX-Injected: 1", "\u00e9\u4e2d", "{}", "../../x", "$1"]


class Asker:
    """One connection that stays open, from an address of its own choice."""

    def __init__(self, server, source=LOOPBACK):
        host, port = server.admin.removeprefix("http://").rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=10, source_address=(source, 0))

    def __call__(self, method, path, *authorizations, body=b"{}"):
        self.connection.putrequest(method, path, skip_accept_encoding=True)
        for authorization in authorizations:
            self.connection.putheader("Authorization", authorization)
        if method == "POST":
            self.connection.putheader("Content-Type", "application/json")
            self.connection.putheader("Content-Length", str(len(body)))
        self.connection.endheaders(body if method == "POST" else None)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, answer.headers, json.loads(content) if content else None


def bearer(token):
    return f"Bearer {token}"


def break_checksum(token):
    return token[:-1] + ("0" if token[-1] != "0" else "1")


def made_up():
    """Well-formed, and never made by anybody."""
    text = "pintle_" + os.urandom(32).hex()
    return text + hashlib.sha256(text.encode()).hexdigest()[:8]


class TestAccess:
    def test_every_route_with_every_scope(self, repository, pintled):
        server = pintled(repository)
        tokens = {scope: server.new_token(scope) for scope in SCOPES}
        ask = Asker(server)
        for (method, path, needed), held in itertools.product(OPERATIONS, SCOPES):
            status, headers, said = ask(method, path, bearer(tokens[held]))
            if SCOPES.index(held) >= SCOPES.index(needed):
                assert status not in (401, 403, 405), (method, path, held, said)
                continue
            assert status == 403, (method, path, held, status)
            assert f'scope="{needed}"' in headers["WWW-Authenticate"], (method, path)
            assert needed in said["error"]

    def test_every_route_without_a_good_token(self, repository, pintled):
        server = pintled(repository)
        good, revoked, expired = server.new_token(), server.new_token(), server.new_token("admin", "--expires", "1")
        name = {row["id"]: row["name"] for row in server.api("/v1/tokens")[2]["items"]}[
            hashlib.sha256(revoked.encode()).hexdigest()[:16]]
        assert server.command("token", "revoke", name).returncode == 0
        with sqlite3.connect(server.data / "pintled.db", timeout=10) as database:
            database.execute("UPDATE token SET expires = 1 WHERE id = ?",
                             (hashlib.sha256(expired.encode()).hexdigest()[:16],))
        for number, (method, path, _) in enumerate(OPERATIONS):
            ask = Asker(server, f"127.0.{number + 1}.1")  # not to be taken for one who guesses
            for authorizations in ([], [bearer(revoked)], [bearer(expired)], [bearer(made_up())], [""],
                                   [bearer(break_checksum(good))], [bearer("")], [good], [f"Basic {good}"],
                                   [f"Bearer {good} {good}"], [bearer("x" * 5000)], [bearer("' OR 1=1 --")]):
                status, headers, said = ask(method, path, *authorizations)
                assert status == 401, (method, path, authorizations, status)
                assert headers["WWW-Authenticate"].startswith('Bearer realm="pintled"')
                assert set(said) == {"error"}
            for pair in ([bearer(good)] * 2, [bearer(good), bearer(made_up())], [bearer(made_up()), bearer(good)]):
                status, _, said = ask(method, path, *pair)
                assert (status, "one Authorization header" in said["error"]) == (400, True), (method, path)
        assert len(server.api("/v1/tokens")[2]["items"]) == 3  # none of these requests made or revoked one

    def test_a_token_in_the_url_is_none(self, repository, pintled):
        server = pintled(repository)
        for name in ("token", "access_token", "authorization"):
            assert server.get(f"/v1/journal?{name}={server.token}")[0] == 401

    def test_no_route_needs_less_on_the_public_listener(self, repository, pintled):
        server = pintled(repository, "--admin", f"{LOOPBACK}:0")
        for method, path, _ in OPERATIONS:
            status = server.request(method, path, b"{}", {"Authorization": bearer(server.token)})[0]
            assert status in (404, 405), (method, path)

    def test_revoked_at_once_and_last_use_is_told(self, repository, pintled):
        server = pintled(repository)
        token = server.api("/v1/tokens", "POST", {"name": "ci", "scope": "reader", "expires_days": 2})[2]["token"]

        def row():
            return next(row for row in server.api("/v1/tokens")[2]["items"] if row["name"] == "ci")

        assert (row()["used"], row()["expired"], row()["scope"]) == (None, False, "reader")
        assert server.api("/v1/journal", token=token)[0] == 200
        wait_for("the last use", lambda: row()["used"])
        assert server.api("/v1/tokens", "POST", {"name": "ci", "scope": "admin"})[0] == 409
        assert server.api("/v1/tokens/ci", "DELETE")[0] == 204
        assert server.api("/v1/journal", token=token)[0] == 401
        assert server.api("/v1/tokens/ci", "DELETE")[0] == 404

    def test_tokens_of_strangers_are_limited(self, repository, pintled):
        server = pintled(repository)
        assert server.api("/v1/journal")[0] == 200
        fresh = server.new_token()
        ask = Asker(server)
        said = [ask("GET", "/v1/journal", bearer(made_up())) for _ in range(40)]
        codes = [status for status, _, _ in said]
        assert codes == sorted(codes) and set(codes) == {401, 429}
        assert 0 < int(said[-1][1]["Retry-After"]) <= 60
        assert ask("GET", "/v1/journal", bearer(fresh))[0] == 429, "the right guess is not looked at either"
        assert ask("GET", "/v1/journal", bearer(server.token))[0] == 200, "one in use is not shut out"
        assert Asker(server, "127.1.2.3")("GET", "/v1/journal", bearer(fresh))[0] == 200, "nor is another network"

    def test_tokens_are_in_no_log_and_no_file(self, repository, pintled):
        server = pintled(repository)
        token = server.api("/v1/tokens", "POST", {"name": "ci", "scope": "reader"})[2]["token"]
        assert server.api("/v1/journal", token=token)[0] == 200
        assert server.api("/v1/tokens", "DELETE", token=token)[0] == 405
        assert server.get(f"/v1/journal?token={token}")[0] == 401
        server.process.send(signal.SIGHUP)
        server.stop()
        for secret in (token, server.token):
            assert secret not in server.process.output()
            for file in server.data.iterdir():
                assert secret.encode() not in file.read_bytes(), file
                assert secret.encode()[7:39] not in file.read_bytes(), file


class TestAnswers:
    def test_what_is_published(self, repository, pintled, workshop):
        for number in range(5):
            repository.run("host", "add", f"h{number}.example.test", "--zone", "main")
            repository.run("pin", "add", f"h{number}.example.test", "--sha256", "A" * 42 + "E=")
        repository.run("pin", "add", "h3.example.test", "--sha256", "B" * 42 + "E=", "--permanent", "--at", "issuer")
        repository.run("pin", "add", "h3.example.test", "--sha256", "C" * 42 + "E=", "--deny")
        repository.publish()
        server = pintled(repository)
        (zone,) = server.api("/v1/zones")[2]["items"]
        assert (zone["zone"], zone["hosts"], zone["repository"]) == ("main", 5, "")
        host, = server.api("/v1/hosts?host=h3.example.test")[2]["items"]
        assert (host["mode"], host["zone"], host["subdomains"]) == ("enforce", "main", False)
        assert host["from_charter"]["pins"] == [{"sha256": "B" * 42 + "E=", "of": "spki", "at": "issuer"}]
        assert [pin["sha256"][0] for pin in host["from_zone"]["pins"] + host["from_zone"]["deny"]] == ["A", "C"]
        assert server.api("/v1/hosts?zone=other")[2]["items"] == []
        served, = server.api("/v1/repositories")[2]["items"]
        roles = {role["role"]: role for role in served["roles"]}
        status = {role["role"]: role for role in repository.run("status", "--json").json["roles"]}
        assert (served["signed_name"], served["status"], served["signer"]) == ("example-pins", "ok", "up")
        assert set(roles) == {"root", "timestamp", "snapshot", "targets", "main"}
        for name, role in roles.items():
            assert (role["threshold"], len(role["keys"])) == (1, 1), name
            if name in status and status[name].get("version"):
                assert role["version"] == status[name]["version"], name

    def test_pages_join_without_gap_or_repetition(self, repository, pintled):
        for name in "fbdace":
            repository.run("host", "add", f"{name}.example.test", "--zone", "main")
            repository.run("pin", "add", f"{name}.example.test", "--sha256", "A" * 42 + "E=")
        repository.publish()
        server = pintled(repository)
        for number in range(6):
            server.new_token("reader")

        def walk(path, limit):
            found, after = [], ""
            while after is not None:
                status, _, page = server.api(f"{path}?limit={limit}{after}")
                assert (status, len(page["items"]) <= limit) == (200, True)
                found += [json.dumps(item) for item in page["items"]]
                after = page["next"] and f"&after={page['next']}"
            return found

        for path in ("/v1/hosts", "/v1/tokens", "/v1/journal"):
            whole = walk(path, 1000)
            assert len(whole) >= 6
            assert walk(path, 1) == walk(path, 4) == walk(path, len(whole)) == whole
        hosts = [json.loads(row)["host"] for row in walk("/v1/hosts", 2)]
        assert hosts == sorted(hosts)

    def test_queries_are_strict(self, repository, pintled):
        server = pintled(repository)
        for path in [path for method, path, scope in OPERATIONS if method == "GET"]:
            for query in ("colour=1", "limit=1&limit=1", "limit=0", "limit=1001", "limit=01", "limit=-1", "limit=",
                          "limit=1&colour=", "Limit=1", "after=", "after=%01", "after=" + "9" * 500):
                status, _, said = server.api(f"{path}?{query}")
                assert (status, set(said)) == (400, {"error"}), (path, query)
            assert "limit" in server.api(f"{path}?colour=1")[2]["error"], path

    def test_the_repository_at_the_root_is_called_the_same_everywhere(self, repository, pintled):
        server = pintled(repository)
        for path in ("/v1/hosts", "/v1/zones", "/v1/versions", "/v1/cells", "/v1/edges", "/v1/adoption", "/v1/adoption/zones"):
            assert server.api(f"{path}?repository=_")[2] == server.api(path)[2], path

    def test_refresh_looks_at_once(self, repository, pintled):
        server = pintled(repository, "--resign-every", "3600")
        assert server.api("/v1/repositories/_/refresh", "POST")[0] == 202
        assert server.api("/v1/repositories/other/refresh", "POST")[0] == 404
        line = server.api("/v1/journal")[2]["items"][-1]
        assert line["event"] == "repository.refresh" and line["actor"].startswith("token:rig-")

    def test_refresh_signs_what_is_due(self, pintled, tmp_path):
        from rig.clock import clock
        repository = Repository(tmp_path / "aged", env=clock("-60h"))
        server = pintled(repository, "--resign-every", "3600", "--keys", tmp_path / "none")  # nobody signs...
        before = repository.timestamp()["signed"]["version"]
        assert {version["by"] for version in server.api("/v1/versions")[2]["items"]} == {"publisher"}
        server.stop()
        server = pintled(repository, data=server.data)
        wait_for("a new timestamp", lambda: repository.timestamp()["signed"]["version"] > before)
        version = wait_for("its row", lambda: [version for version in server.api("/v1/versions")[2]["items"]
                                               if version["by"] == "server"])[0]
        assert (version["role"], version["version"]) == ("timestamp", repository.timestamp()["signed"]["version"])
        assert server.api("/v1/versions?repository=other")[2]["items"] == []
        events = [line["event"] for line in server.api("/v1/journal")[2]["items"]]
        assert "version.signed" in events

        def timestamp():
            (served,) = server.api("/v1/repositories")[2]["items"]
            role = {role["role"]: role for role in served["roles"]}["timestamp"]
            return role["allocated"], role["version"]

        wait_for("its version in the list", lambda: timestamp() == (version["version"],) * 2)

    def test_what_people_publish_is_noted(self, repository, pintled, backend):
        def versions():
            return [(version["by"], version["role"], version["version"]) for version in server.api("/v1/versions")[2]["items"]]

        server = pintled(repository, "--resign-every", "3600")
        assert sorted(versions()) == [("publisher", role, 1) for role in ("main", "root", "snapshot", "targets", "timestamp")]
        repository.pin("api.example.com", backend.new_key()[1])
        repository.publish()
        assert server.api("/v1/repositories/_/refresh", "POST")[0] == 202
        wait_for("the new versions", lambda: ("publisher", "main", 2) in versions())
        assert ("publisher", "root", 2) not in versions()
        seen = [line["detail"] for line in server.api("/v1/journal")[2]["items"] if line["event"] == "publication.seen"]
        assert len(seen) == 2 and "main version 2" in seen[1] and "root" not in seen[1]
        server.stop()
        server = pintled(repository, data=server.data)  # what is known is not told again
        events = [line["event"] for line in server.api("/v1/journal")[2]["items"]]
        assert events.count("publication.seen") == 2

    def test_injection(self, repository, pintled):
        server = pintled(repository)
        ask, authorization = Asker(server), bearer(server.token)
        known = {parameter["name"]
                 for operations in OPENAPI["paths"].values() for operation in operations.values()
                 for parameter in (resolve(entry) for entry in operation.get("parameters", []))
                 if parameter["in"] == "query"}
        for text in HOSTILE:
            quoted = "".join(f"%{byte:02x}" for byte in text.encode())
            for method, path, _ in OPERATIONS:
                for name in known if method == "GET" else ():
                    status, headers, said = ask("GET", f"{path}?{name}={quoted}", authorization)
                    assert status in (200, 400, 404), (path, name, status)
                    assert "X-Injected" not in headers
                    assert status != 200 or name in ("after", "repository") or said["items"] == [], (path, name, said)
            for method, path in (("DELETE", f"/v1/tokens/{quoted}"), ("POST", f"/v1/repositories/{quoted}/refresh")):
                assert ask(method, path, authorization)[0] == 404, path
            for body in ({"name": text, "scope": "admin"}, {"name": "a", "scope": text}, {"name": "a", text: "b"}, text,
                         {"name": "a", "scope": "reader", "expires_days": text}):
                status = ask("POST", "/v1/tokens", authorization, body=json.dumps(body).encode())[0]
                assert status == 400, body
        assert len(server.api("/v1/tokens")[2]["items"]) == 1
        assert "\x1b" not in server.process.output()


def resolve(entry):
    """An entry of the description, or what it refers to."""
    found = entry
    if "$ref" in entry:
        found = OPENAPI
        for part in entry["$ref"].removeprefix("#/").split("/"):
            found = found[part]
    return found


def test_what_is_answered_is_what_is_described(repository, pintled):
    """Requests made from the description; thorough with PINTLE_LONG=1."""
    repository.run("host", "add", "api.example.test", "--zone", "main")
    repository.run("pin", "add", "api.example.test", "--sha256", "A" * 42 + "E=")
    repository.publish()
    server = pintled(repository)
    amount = ["--max-examples", "200"] if LONG else ["--phases", "fuzzing", "--max-examples", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", ROOT / "docs" / "openapi.yaml", "--url", server.admin,
         "-H", f"Authorization: {bearer(server.token)}", "--seed", "1", "--no-color", *amount,
         "--exclude-operation-id", "revokeToken",  # which would end the token that it has, once it has seen the list
         # A schema cannot say which host names, times and cursors there are.
         "--exclude-checks", "positive_data_acceptance"],
        cwd=server.data.parent, env=clean_environment({"HYPOTHESIS_STORAGE_DIRECTORY": str(server.data.parent)}),
        capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.api("/v1/journal")[0] == 200


class TestJournal:
    """pintled journal verify against one who can write the database."""

    @pytest.fixture
    def server(self, repository, pintled):
        """Six lines: what is published, and five tokens."""
        server = pintled(repository)
        for _ in range(5):
            server.new_token("reader")
        return server

    @staticmethod
    def change(server, *statements):
        with sqlite3.connect(server.data / "pintled.db", timeout=10) as database:
            for statement in statements:
                database.execute(statement)

    def verify(self, server, *words):
        done = server.command("journal", "verify", *words)
        return done.returncode, done.stdout + done.stderr

    def test_lines(self, server):
        lines = [json.loads(line) for line in server.command("journal").stdout.splitlines()]
        assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
        previous = bytes(32)
        for line in lines:
            digest = line.pop("hash")
            text = json.dumps(line, separators=(",", ":"))
            previous = hashlib.sha256(previous + text.encode()).digest()
            assert previous.hex() == digest, line
        assert lines == [{key: line[key] for key in line if key != "hash"}
                         for line in server.api("/v1/journal?limit=6")[2]["items"]]
        after = server.command("journal", "--after", "4").stdout.splitlines()
        assert [json.loads(line)["seq"] for line in after] == [5, 6, 7]

    @pytest.mark.parametrize("statements, said", [
        (["UPDATE journal SET actor = 'command:nobody' WHERE seq = 3"], "line 3 does not match its hash"),
        (["DELETE FROM journal WHERE seq = 3"], "line 3 is missing"),
        (["DELETE FROM journal WHERE seq IN (3, 4)"], "lines 3 to 4 are missing"),
        (["UPDATE journal SET seq = 99 WHERE seq = 3", "UPDATE journal SET seq = 3 WHERE seq = 4",
          "UPDATE journal SET seq = 4 WHERE seq = 99"], "line 3 does not match its hash"),
        (["DELETE FROM journal WHERE seq > 4"], "lines 5 to 6 are missing at the end"),
        (["DELETE FROM journal"], "lines 1 to 6 are missing at the end"),
    ])
    def test_finds(self, server, statements, said):
        wait_for("the head", lambda: (server.data / "journal.head").read_text().startswith("6:"))
        server.stop()
        code, text = self.verify(server)
        assert code == 0 and text.startswith("ok: 6 lines, head 6:"), text
        self.change(server, *statements)
        code, text = self.verify(server)
        assert code == 1 and said in text, text

    def test_commands_beside_the_server_do_not_get_in_its_way(self, repository, pintled):
        server = pintled(repository)
        before = server.new_token()

        def work(number):
            for turn in range(4):
                assert server.api("/v1/tokens", "POST", {"name": f"{number}-{turn}", "scope": "reader"},
                                  token=before)[0] in (201, 503)
                done = server.command("token", "add", f"c{number}-{turn}", "--scope", "reader")
                assert done.returncode == 0, done.all

        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            list(pool.map(work, range(3)))
        wait_for("the head", lambda: self.verify(server)[1].split("head ")[1].strip() ==
                 (server.data / "journal.head").read_text().strip())
        assert "cannot" not in server.process.output()

    def test_a_head_that_was_noted_finds_what_the_machine_cannot(self, server):
        noted = self.verify(server)[1].split("head ")[1].strip()
        server.stop()
        self.change(server, "DELETE FROM journal WHERE seq > 4")
        (server.data / "journal.head").unlink()
        for _ in range(4):
            server.new_token("reader")
        assert self.verify(server)[0] == 0, "whoever can write both leaves a chain that is sound"
        code, text = self.verify(server, "--expect", noted)
        assert code == 1 and "line 6 has another hash than was noted" in text

    def test_a_start_tells_the_head_and_what_is_wrong(self, server, pintled, repository):
        server.stop()
        head = (server.data / "journal.head").read_text().strip()
        again = pintled(repository, data=server.data)
        assert f"journal: head {head}" in again.process.output()
        again.stop()
        self.change(server, "DELETE FROM journal WHERE seq = 6")
        again = pintled(repository, data=server.data)
        assert f"journal.head says {head}, which is not in the journal" in again.process.output()
        last = again.api("/v1/journal")[2]["items"][5]
        assert (last["event"], last["actor"], head in last["detail"]) == ("journal.mismatch", "pintled", True)
        assert self.verify(again)[0] == 0
