# SPDX-License-Identifier: Apache-2.0
"""The same repositories over the same nginx on loopback, fetched by our client and by other implementations of TUF.

Each client gets a path of its own to the files, so that the log tells what it asked for.  Repositories and stores lie in
memory (/dev/shm), where there is some, so that the disk is not measured.
"""

import gzip
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = {
    "python-tuf": ([ROOT / "build/venv/bin/python", ROOT / "tests/peers/python/peer.py"], ROOT / "build/venv/bin/python"),
    "tuf-js": (["node", ROOT / "tests/peers/js/peer.js"], ROOT / "build/peers/js/.made-from"),
    "go-tuf": ([ROOT / "build/peers/go-tuf"], ROOT / "build/peers/go-tuf"),
}
ENVIRONMENT = {**os.environ, "NODE_PATH": str(ROOT / "build/peers/js/node_modules")}


class Server:
    """nginx as the guides configure it: compressed forms are sent where the publisher put them."""

    def __init__(self, directory):
        self.directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        temporary = "".join(f"{kind}_temp_path {directory}/{kind}; "
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root; " if os.geteuid() == 0 else ""
        (directory / "nginx.conf").write_text(
            f"{user}daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log;\n"
            "events { worker_connections 64; }\n"
            f"http {{ log_format sent '$uri $body_bytes_sent'; access_log {directory}/log sent; {temporary}\n"
            f"server {{ listen 127.0.0.1:{self.port}; root {directory}; gzip_static on; tcp_nodelay on; }} }}\n")
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-e", str(directory / "error.log"), "-p", str(directory), "-c",
                                         str(directory / "nginx.conf")], stderr=subprocess.DEVNULL)
        for _ in range(1000):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        sys.exit("bench: nginx does not listen")

    def stop(self):
        """What was asked for by then: (path, bytes of the body as sent)."""
        self.process.terminate()
        self.process.wait()
        rows = [row.split() for row in (self.directory / "log").read_text().splitlines()]
        return [(path, int(sent)) for path, sent in rows]


class Repository:
    def __init__(self, directory, build, hosts, zones=1, roots=1):
        self.directory, self.hosts, self.zones = directory, hosts, zones
        self.name = directory.name
        subprocess.run([build / "tests" / "bench_repository", directory, str(hosts), str(zones), str(roots)], check=True)
        self.body = max((directory / "body").iterdir(), key=lambda path: path.stat().st_mtime)
        for file in [*(directory / "body").iterdir(), *(directory / "metadata").glob("[0-9]*.json"),
                     *(directory / "targets").rglob("*.json")]:
            plain, packed = file.read_bytes(), gzip.compress(file.read_bytes(), 6, mtime=0)
            if len(plain) - len(packed) >= max(64, len(plain) // 10):  # as `pintle publish` does
                file.with_name(file.name + ".gz").write_bytes(packed)

    def path_for(self, client):
        """The same files under a name of their own."""
        link = self.directory.parent / f"{client}-{self.name}"
        link.symlink_to(self.directory)
        return link.name

    def targets(self):
        return ["charter.json", "zones/main.json", *(f"zones/team{i}.json" for i in range(1, self.zones))]


def run_ours(repository, build, server, rounds):
    """By case (full, nothing, start): best, median, verify (us), verifications, requests, bytes of bodies, heap."""
    store = repository.directory.parent / f"store-{repository.name}"
    url = f"http://127.0.0.1:{server.port}/{repository.path_for('pintle')}"
    done = subprocess.run([build / "tests" / "bench_wire", url, repository.directory / "roots", store, str(rounds)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: bench_wire failed: {done.stderr}")
    return {words[0]: [float(word) for word in words[1:]] for words in map(str.split, done.stdout.splitlines())}


def run_peer(name, repository, server, rounds):
    """The best time in microseconds of a refresh with a download of charter and zones; None if the peer is absent."""
    command, needed = PEERS[name]
    if not needed.exists() or not (shutil.which(str(command[0])) or pathlib.Path(command[0]).exists()):
        return None
    cache = repository.directory.parent / f"cache-{name}-{repository.name}"
    (cache / "metadata").mkdir(parents=True)
    shutil.copy(repository.directory / "metadata" / "1.root.json", cache / "metadata" / "root.json")
    url = f"http://127.0.0.1:{server.port}/{repository.path_for(name)}"
    words = ["--metadata-dir", cache / "metadata", "--metadata-url", f"{url}/metadata/", "--times", str(rounds),
             "--target-dir", cache / "targets", "--target-base-url", f"{url}/targets/"]
    words += [word for target in repository.targets() for word in ("--target-name", target)]
    done = subprocess.run([str(word) for word in [*command, *words, "download"]], capture_output=True, text=True,
                          env=ENVIRONMENT, check=False)
    if done.returncode != 0:
        return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "failed"
    return float(done.stdout.split()[0])


def measure(build, line):
    shared = pathlib.Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None, prefix="pintle-bench-") as name:
        directory = pathlib.Path(name)
        repositories = [Repository(directory / "10", build, 10), Repository(directory / "1000", build, 1000),
                        Repository(directory / "10000", build, 10000),
                        Repository(directory / "10000-in-50", build, 10000, 50, 10)]
        server = Server(directory)
        ours, theirs = {}, {}
        for repository, rounds in zip(repositories, (100, 20, 5, 3)):
            ours[repository.name] = run_ours(repository, build, server, rounds)
            if repository.hosts <= 1000:
                theirs[repository.name] = {peer: run_peer(peer, repository, server, 20) for peer in PEERS}
        report(repositories, ours, theirs, server.stop(), line)


def report(repositories, ours, theirs, log, line):
    for repository in repositories:
        size, sent = repository.body.stat().st_size, dict(log)  # the last answer of each path
        name = f"{repository.hosts} hosts" + (f", {repository.zones} zones, ten roots" if repository.zones > 1 else "")
        cases = ours[repository.name]
        for case, what in (("full", "new client, start to pins"), ("start", "start from the store")):
            best, _, verify, count, requests, _, _ = cases[case]
            line(f"over HTTP, {name}: {what} / verifications", f"{best / verify:.2f}",
                 f"{best:.0f} us / {verify:.0f} us ({count:.0f} signatures), {requests:.0f} requests")
        best, _, _, count, requests, _, _ = cases["nothing"]
        line(f"over HTTP, {name}: nothing new", "", f"{best:.0f} us, {count:.0f} signatures, {requests:.0f} request")
        line(f"peak heap of a new client, {name} / body", f"{cases['full'][6] / size:.2f}",
             f"{cases['full'][6]:.0f} / {size} bytes; start from the store {cases['start'][6] / size:.2f}")
        paths = {kind: next(path for path in sent if path.startswith(f"/pintle-{repository.name}/{kind}/"))
                 for kind in ("head", "body")}
        line(f"on the wire, {name}", "", f"head {sent[paths['head']]}, body {sent[paths['body']]} bytes of gzip, raw {size}")
        for peer, best in theirs.get(repository.name, {}).items():
            asked = sum(path.startswith(f"/{peer}-{repository.name}/") for path, _ in log) / 20
            if isinstance(best, float):
                line(f"{peer}, {name}: new client / ours", f"{best / cases['full'][0]:.1f}", f"{best:.0f} us, {asked:.0f} requests")
            else:
                line(f"{peer}, {name}: SKIPPED", "", best or "not installed (tools/setup.sh test)")
