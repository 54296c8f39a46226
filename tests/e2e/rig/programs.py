# SPDX-License-Identifier: Apache-2.0
"""The built programs: the command line, a repository and a client of it, the server."""

import functools
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from .process import LOOPBACK, Process, RigError, wait_for

ROOT = Path(__file__).resolve().parents[3]


def binary(name):
    path = Path(os.environ.get("PINTLE_BIN", ROOT / "build" / "bin")).resolve() / name
    if not path.exists():
        raise RigError(f"{path} is not there; build it with `make`, or point PINTLE_BIN at it")
    return path


def clean_environment(extra=None):
    """Without what would change the programs' or curl's behaviour."""
    drop = ("PINTLE_", "http_proxy", "https_proxy", "all_proxy", "SSL_CERT", "CURL_")
    kept = {name: value for name, value in os.environ.items()
            if not name.lower().startswith(tuple(word.lower() for word in drop)) or name == "PINTLE_BIN"}
    return {**kept, **(extra or {})}


class Result(subprocess.CompletedProcess):
    """What a command did; .all is both streams, for messages of failed assertions."""

    @property
    def all(self):
        return f"$ {' '.join(map(str, self.args))}\n{self.stdout}{self.stderr}exit code {self.returncode}"

    @property
    def json(self):
        return json.loads(self.stdout)


def no_sanitizer_report(result):
    """Of sanitized programs: what they report is a finding, whatever the test expects of the exit code."""
    if "Sanitizer" in result.stderr or "runtime error: " in result.stderr:
        raise AssertionError(result.all)
    return result


def pintle(*words, env=None, cwd=None, timeout=30, input=None):
    """Runs the command line, whatever comes of it."""
    done = subprocess.run([binary("pintle"), *map(str, words)], stdin=subprocess.DEVNULL if input is None else None,
                          input=input, capture_output=True, text=True, errors="replace", timeout=timeout, cwd=cwd,
                          env=clean_environment(env), check=False)
    return no_sanitizer_report(Result(["pintle", *map(str, words)], done.returncode, done.stdout, done.stderr))


def pintle_ok(*words, **options):
    """Runs a command that belongs to the preparation, and so must work."""
    result = pintle(*words, **options)
    if result.returncode != 0:
        raise RigError(result.all)
    return result


class Repository:
    """A repository directory, worked on as a person would, through the command line."""

    def __init__(self, directory, *init, env=None):
        self.directory = directory
        self.signers = []
        pintle_ok("init", "--repo", directory, *init, env=env)

    @property
    def public(self):
        return self.directory / "public"

    @property
    def keys(self):
        return self.directory / "keys"

    @property
    def roots(self):
        return self.directory / "app" / "roots"

    @property
    def shipped(self):
        return self.directory / "app" / "shipped"

    def run(self, *words, **options):
        return pintle_ok(*words, "--repo", self.directory, **options)

    def try_run(self, *words, **options):
        return pintle(*words, "--repo", self.directory, **options)

    def pin(self, host, *keys, zone="main"):
        """Pins the host to the keys (PEM files), in its zone."""
        self.run("host", "add", host, "--zone", zone)
        for key in keys:
            self.run("pin", "add", host, "--key", key)

    def take_offline(self, people):
        """Moves root-N.pem and targets-N.pem to one directory a person; returns the targets keys."""
        for number, person in enumerate(people, 1):
            person.mkdir(mode=0o700)
            for role in ("root", "targets"):
                shutil.move(self.keys / f"{role}-{number}.pem", person / f"{role}-{number}.pem")
        self.signers = [person / f"targets-{number}.pem" for number, person in enumerate(people, 1)]
        return self.signers

    def publish(self):
        """Publishes with the keys in keys/."""
        return self.run("publish")

    def sign_and_publish(self, signers=2):
        """Offline keys sign first, one after another, where there are any."""
        staged = {role["role"]: role for role in self.run("status", "--json").json["roles"]}
        if self.signers and staged.get("targets", {}).get("draft_version"):
            for key in self.signers[:signers]:
                self.run("sign", "--key", key)
        return self.publish()

    def copy_public(self, to):
        """What an attacker or a mirror has kept of this moment."""
        shutil.copytree(self.public, to)
        return to

    def timestamp(self):
        return json.loads((self.public / "metadata" / "timestamp.json").read_text())


class Client:
    """One installation of an app: the trust anchor that it shipped with, and its own store."""

    def __init__(self, directory, repository, ca, urls=(), shipped=False):
        self.directory = directory
        directory.mkdir(parents=True)
        self.store = directory / "store"
        self.roots = shutil.copy(repository.roots, directory / "roots")
        self.shipped = shutil.copy(repository.shipped, directory / "shipped") if shipped else None
        self.ca = ca
        self.urls = list(urls)

    def options(self, connect=None, urls=None, store=True):
        words = ["--roots", self.roots]
        words += ["--ca", self.ca] if self.ca else []
        words += ["--store", self.store] if store else []
        words += ["--shipped", self.shipped] if self.shipped else []
        words += ["--connect", connect] if connect else []
        for url in self.urls if urls is None else urls:
            words += ["--url", url]
        return words

    def get(self, url, *words, connect=None, urls=None, store=True, env=None):
        return pintle("get", url, *self.options(connect, urls, store), *words, env=env)

    def check(self, host, *words, connect=None, urls=None, store=True, env=None):
        return pintle("check", host, *self.options(connect, urls, store), *words, env=env)

    def verdict(self, host, *words, connect=None, **options):
        """The verdict of one handshake, as `pintle check --json` prints it."""
        result = self.check(host, "--json", *words, connect=connect, **options)
        if not result.stdout:
            raise RigError("no verdict\n" + result.all)
        return result.json

    def watch(self, url, *words, connect=None, env=None, keep=False):
        """A running client: one process, one attempt a second."""
        return Watch(["get", url, *self.options(connect), "--every", "1", *words], self.directory / "watch.log", env,
                     keep)

    def accepted(self):
        """The bytes of the generation that the store holds."""
        path = self.store / "accepted"
        return path.read_bytes() if path.exists() else None


class Watch:
    """A client that keeps running and prints one line per attempt."""

    def __init__(self, words, log, env=None, keep=False):
        if log.exists():
            log.unlink()
        self.process = Process([binary("pintle"), *words], log, env=clean_environment(env), keep=keep,
                               stdout=log.with_suffix(".body"))

    def lines(self):
        """Attempts only, oldest first."""
        return [line for line in self.process.output().splitlines()
                if re.search(r"Z (HTTP \d|refused, |failed, )", line)]

    def served(self):
        return sum(" HTTP 200 " in line for line in self.lines())

    def refused(self):
        return sum("Z refused, " in line for line in self.lines())

    def wait_for(self, what, condition, seconds=15):
        return wait_for(what, condition, seconds, explain=self.process.output)

    def wait_for_success(self, seconds=15):
        """Waits for an attempt, made from now on, that gets the page; returns its line."""
        before = self.served()
        self.wait_for("the running client to get the page", lambda: self.served() > before, seconds)
        return [line for line in self.lines() if " HTTP 200 " in line][-1]

    def wait_for_refusal(self, seconds=15):
        before = self.refused()
        self.wait_for("the running client to refuse", lambda: self.refused() > before, seconds)
        return [line for line in self.lines() if "Z refused, " in line][-1]

    def stop(self):
        return self.process.stop()


class Pintled:
    """The server, on a free port of its own choice."""

    def __init__(self, repository, data, *words, env=None, keep=False):
        self.data = data
        listen = [] if "--listen" in words else ["--listen", f"{LOOPBACK}:0"]
        # Tests look at every report that was taken.
        listen += [] if "--sample-reports" in words else ["--sample-reports", "1000000"]
        probes = [] if "--probe-every" in words else ["--probe-every", "0"]  # the names of tests exist nowhere
        data.parent.mkdir(parents=True, exist_ok=True)
        log = data.parent / (data.name + ".log")
        log.unlink(missing_ok=True)
        self.process = Process([binary("pintled"), "--repo", repository, "--data", data, *listen, *probes, *words],
                               log,
                               env=clean_environment(env), keep=keep)
        self.ready = wait_for("pintled to be ready", self.read_ready, explain=self.process.output)
        self.url = re.search(r"public (https?://[^ ,]+?)/?(,|$| )", self.ready).group(1)
        admin = re.search(r"admin (https?://[^ ,]+?)/?(,|$| )", self.ready)
        self.admin = admin.group(1) if admin else self.url

    def read_ready(self):
        if not self.process.alive():
            raise RigError(f"pintled ended with {self.process.wait()}: {self.process.output()}")
        return next((line for line in reversed(self.process.output().splitlines())
                     if line.startswith("pintled: ready")), None)

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    def request(self, method, path, body=None, headers=None, base=None):
        """One request over one connection; nothing in the path is normalised."""
        host, port = (base or self.url).removeprefix("http://").rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def post_report(self, body, content_type="application/json"):
        return self.request("POST", "/v1/reports", body, {"Content-Type": content_type})

    def command(self, *words):
        """`pintled WORDS --data ...`, beside the server."""
        done = subprocess.run([binary("pintled"), *map(str, words), "--data", self.data], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, env=clean_environment(), check=False)
        return no_sanitizer_report(Result(["pintled", *map(str, words)], done.returncode, done.stdout, done.stderr))

    def new_token(self, scope="admin", *words):
        """A token that nobody else has."""
        made = self.command("token", "add", f"rig-{os.urandom(8).hex()}", "--scope", scope, *words)
        if made.returncode != 0:
            raise RigError(made.all)
        return made.stdout.strip()

    @functools.cached_property
    def token(self):
        return self.new_token()

    def api(self, path, method="GET", body=None, token=None):
        """One request to the administrative API: status, headers, what the JSON says (None without a body)."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        status, headers, answer = self.request(method, path, body, headers, self.admin)
        return status, headers, json.loads(answer) if answer else None

    def pages(self, path, query=""):
        """All items of a list, page by page."""
        found, after = [], ""
        while after is not None:
            status, _, page = self.api(f"{path}?limit=1000{query}{after}")
            if status != 200:
                raise RigError(f"GET {path} answered {status}: {page}")
            found += page["items"]
            after = page["next"] and f"&after={page['next']}"
        return found

    def reports(self):
        """All that are kept, newest first."""
        return self.pages("/v1/reports")

    def cells(self, query=""):
        return self.pages("/v1/cells", query)

    def stop(self, number=signal.SIGTERM):
        code = self.process.stop(number)
        said = self.process.output()
        if "Sanitizer" in said or "runtime error: " in said:
            raise AssertionError(said)
        return code
