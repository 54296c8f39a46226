# SPDX-License-Identifier: Apache-2.0
"""A TUF repository that python-tuf signs, in memory behind a real HTTP server, and `pintle-tuf` as its client."""

import contextlib
import datetime
import http.server
import itertools
import json
import subprocess
import threading
import urllib.parse

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (DelegatedRole, Delegations, Metadata, MetaFile, Root, Snapshot, TargetFile, Targets,
                              Timestamp)
from tuf.api.serialization.json import JSONSerializer

from rig.clock import sweep
from rig.programs import binary

TOP = ("root", "timestamp", "snapshot", "targets")


def in_days(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).replace(microsecond=0)


class PeerRepository:
    """Roles are python-tuf objects; publish() signs what is there and gives it its next version."""

    def __init__(self, consistent=True, new_signer=CryptoSigner.generate_ecdsa):
        self.new_signer = new_signer
        self.files = {}          # path below metadata/: bytes, of every version that was published
        self.contents = {}       # target path: bytes
        self.requests = []       # of metadata/ and targets/, in order
        self.pretty = False
        self.roles = {"root": Root(version=1, expires=in_days(30), consistent_snapshot=consistent),
                      "timestamp": Timestamp(version=1, expires=in_days(30)),
                      "snapshot": Snapshot(version=1, expires=in_days(30)),
                      "targets": Targets(version=1, expires=in_days(30))}
        self.signers = {role: [] for role in TOP}
        for role in TOP:
            self.add_key(role)
        self.sign("root")
        self.first_root = self.files["1.root.json"]
        self.publish()

    # ---- editing

    def add_key(self, role, signer=None, delegator=None):
        signer = signer or self.new_signer()
        self.signers.setdefault(role, []).append(signer)
        (self.roles[delegator] if delegator else self.roles["root"]).add_key(signer.public_key, role)
        return signer

    def rotate_key(self, role):
        """Its keys give way to a new one; the next root says so."""
        root = self.roles["root"]
        for keyid in list(root.roles[role].keyids):
            root.revoke_key(keyid, role)
        if role == "root":
            leaving, self.signers[role] = self.signers[role], []
            self.add_key(role)
            self.bump_root(also=leaving)
        else:
            self.signers[role] = []
            self.add_key(role)
            self.bump_root()

    def bump_root(self, also=()):
        self.roles["root"].version += 1
        self.sign("root", also)

    def delegate(self, delegator, name, paths=None, hash_prefixes=None, terminating=False, role=None):
        """A role of its own key; role: one that another delegator has made."""
        parent = self.roles[delegator]
        if parent.delegations is None:
            parent.delegations = Delegations({}, {})
        parent.delegations.roles[name] = DelegatedRole(name, [], 1, terminating, paths, hash_prefixes)
        if role is None and name not in self.roles:
            self.roles[name] = Targets(version=1, expires=in_days(30))
            self.signers[name] = []
        signer = self.signers[name][0] if self.signers[name] else None
        if signer is None:
            self.add_key(name, delegator=delegator)
        else:
            parent.add_key(signer.public_key, name)
        return self.roles[name]

    def add_target(self, role, path, content):
        self.contents[path] = content
        self.roles[role].targets[path] = TargetFile.from_data(path, content, ["sha256"])

    # ---- publishing

    def sign(self, role, also=()):
        metadata = Metadata(self.roles[role])
        for signer in (*self.signers[role], *also):
            metadata.sign(signer, append=True)
        data = metadata.to_bytes(JSONSerializer(compact=not self.pretty))
        name = urllib.parse.quote(role, "")
        self.files[f"{self.roles[role].version}.{name}.json"] = data
        if role == "timestamp" or not self.roles["root"].consistent_snapshot and role != "root":
            self.files[f"{name}.json"] = data
        return data

    def publish(self, *changed):
        """Signs the changed targets roles in a next version, then snapshot and timestamp; all of them the first time."""
        snapshot, timestamp = self.roles["snapshot"], self.roles["timestamp"]
        first = "timestamp.json" not in self.files
        for role in [name for name in self.roles if name not in ("root", "snapshot", "timestamp")]:
            if role in changed and f"{self.roles[role].version}.{urllib.parse.quote(role, '')}.json" in self.files:
                self.roles[role].version += 1
            if first or role in changed or f"{role}.json" not in snapshot.meta:
                self.sign(role)
            snapshot.meta[f"{role}.json"] = MetaFile(self.roles[role].version)
        if not first:
            snapshot.version += 1
            timestamp.version += 1
        data = self.sign("snapshot")
        timestamp.snapshot_meta = MetaFile.from_data(snapshot.version, data, ["sha256"])
        self.sign("timestamp")

    # ---- serving

    def answer(self, path):
        """The bytes at a path, or None."""
        if path.startswith("metadata/"):
            return self.files.get(path[len("metadata/"):])
        path = urllib.parse.unquote(path[len("targets/"):])
        folder, _, name = path.rpartition("/")
        if self.roles["root"].consistent_snapshot:
            digest, _, name = name.partition(".")
            path = f"{folder}/{name}" if folder else name
            file = next((r.targets[path] for r in self.roles.values() if isinstance(r, Targets) and path in r.targets),
                        None)
            if file is None or file.hashes["sha256"] != digest:
                return None
        return self.contents.get(path)


@contextlib.contextmanager
def serving(repository):
    """The URL under which the repository can be asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.lstrip("/")
            repository.requests.append(path)
            data = repository.answer(path)
            self.send_response(404 if data is None else 200)
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class PeerClient:
    """`pintle-tuf` with directories of its own, trusting the repository's first root."""

    speed = None  # of its clock

    def __init__(self, directory, repository, url):
        self.metadata, self.targets = directory / "metadata", directory / "targets"
        self.repository, self.url = repository, url
        directory.mkdir(parents=True, exist_ok=True)
        root = directory / "root.json"
        root.write_bytes(repository.first_root)
        self.error = ""
        assert self.run("init", root) == 0, self.error

    def run(self, *words, days=0):
        sweep()
        clock = f"+{days}d x{self.speed or 1}"
        command = ["faketime", "-f", clock] if days or self.speed else []
        command += [str(binary("pintle-tuf")), "--metadata-dir", str(self.metadata), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.error = done.stderr
        assert done.returncode in (0, 1), f"exit code {done.returncode}: {done.stderr}"
        assert (done.returncode == 1) == bool(done.stderr), done.stderr
        return done.returncode

    def refresh(self, days=0):
        self.repository.requests.clear()
        return self.run("--metadata-url", self.url + "/metadata/", "refresh", days=days)

    def download(self, *names):
        self.repository.requests.clear()
        return self.run("--metadata-url", self.url + "/metadata/", "--target-base-url", self.url + "/targets/",
                        "--target-dir", self.targets, *(word for name in names for word in ("--target-name", name)),
                        "download")

    def version(self, role):
        path = self.metadata / f"{role}.json"
        return json.loads(path.read_bytes())["signed"]["version"] if path.exists() else None

    def versions(self):
        return tuple(self.version(role) for role in TOP)

    def asked(self):
        """What was asked for below metadata/, without .json."""
        return [path[len("metadata/"):-len(".json")] for path in self.repository.requests
                if path.startswith("metadata/")]


@contextlib.contextmanager
def peers(directory, **defaults):
    """A function that makes repository, client; each pair has a server and a directory of its own."""
    with contextlib.ExitStack() as servers:
        numbers = itertools.count(1)

        def make(**options):
            repository = PeerRepository(**{**defaults, **options})
            url = servers.enter_context(serving(repository))
            return repository, PeerClient(directory / f"client-{next(numbers)}", repository, url)

        yield make
