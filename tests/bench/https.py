# SPDX-License-Identifier: Apache-2.0
"""GET of a head and of a body: pintled beside nginx with the same files, and beside a bare epoll loop, in one run.

What a server does for a request is measured as its own CPU time; the load comes from another process.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

from load import Span, server_row

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

KEPT, OPEN, FRESH, ROUNDS = 60000, 64, 1500, 2


def nginx(directory, public, certificate, key):
    """As packaging/nginx/pintle-files.conf has it, on two ports; one worker, no log."""
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    temporary = "".join(f"{kind}_temp_path {directory}/{kind}; "
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root; " if os.geteuid() == 0 else ""
    (directory / "nginx.conf").write_text(
        f"{user}daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log;\n"
        "events { worker_connections 1024; }\n"
        f"http {{ access_log off; {temporary} sendfile on; tcp_nodelay on; keepalive_requests 1000000;\n"
        f"open_file_cache max=1000; ssl_session_tickets off; ssl_session_cache off; ssl_protocols TLSv1.2 TLSv1.3;\n"
        f"server {{ listen 127.0.0.1:{ports[0]}; listen 127.0.0.1:{ports[1]} ssl; root {public}; gzip_static on;\n"
        f"ssl_certificate {certificate}; ssl_certificate_key {key};\n"
        'add_header Cache-Control "public, max-age=60, stale-if-error=86400"; } }\n')
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    process = subprocess.Popen([program, "-e", str(directory / "error.log"), "-p", str(directory), "-c",
                                str(directory / "nginx.conf")], stderr=subprocess.DEVNULL)
    return process, ports


def make(directory, hosts):
    """A repository whose body has about 4 KB; a certificate."""
    from pki import Authority, Workshop
    from rig.programs import Repository
    repository = Repository(directory / "pins", "--name", "bench")
    workshop = Workshop(directory / "pki")
    key = workshop.key_file(Authority("k").key)
    for number in range(hosts):
        repository.pin(f"host{number}.example.com", key)
    repository.publish()
    authority = Authority("Bench Root")
    certificate, key = authority.leaf("127.0.0.1")
    body = max((path for path in (repository.public / "body").iterdir() if not path.suffix),
               key=lambda path: path.stat().st_mtime)
    return repository, body, workshop.cert_file(certificate), workshop.key_file(key)


def load(build, mode, port, path, requests, pid):
    """Twice, the cheaper time: what disturbs a server only ever makes it slower."""
    spans = []
    for _ in range(ROUNDS):
        with Span(pid) as span:
            subprocess.run([build / "tests" / "bench_http", mode, str(port), path, str(requests), str(OPEN)],
                           check=True)
        spans.append(span)
    return min(spans, key=lambda span: span.cpu)


def measure(build, line):
    os.environ["PINTLE_BIN"] = str(build / "bin")
    from rig.process import wait_for, listens
    from rig.programs import Pintled
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as scratch:
        directory = pathlib.Path(scratch)
        repository, body, certificate, key = make(directory, 8)
        files = {"head": repository.public / "head" / "1", "body": body}
        paths = {name: f"/{file.relative_to(repository.public)}" for name, file in files.items()}
        floor = subprocess.Popen([build / "tests" / "bench_http", "serve",
                                  *(word for name in files for word in (files[name], paths[name]))],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        floor_port = int(floor.stdout.readline())
        front, ports = nginx(directory, repository.public, certificate, key)
        plain = Pintled(repository.directory, directory / "data")
        tls = Pintled(repository.directory, directory / "data-tls", "--tls-cert", certificate, "--tls-key", key)
        try:
            wait_for("nginx", lambda: all(map(listens, ports)))
            for name in files:
                what = f"GET {name}, {files[name].stat().st_size} B, kept connections"
                beside = load(build, "load", ports[0], paths[name], KEPT, front.pid)
                bare = load(build, "load", floor_port, paths[name], KEPT, floor.pid)
                ours = load(build, "load", plain.port, paths[name], KEPT, plain.process.pid)
                server_row(line, f"{what}: pintled over nginx", ours, KEPT, (beside, KEPT))
                server_row(line, f"{what}: pintled over a bare epoll loop", ours, KEPT, (bare, KEPT))
                server_row(line, f"{what}: nginx", beside, KEPT)
                server_row(line, f"{what}: bare epoll loop", bare, KEPT)
                what = f"GET {name}, fresh TLS 1.3 connection"
                beside = load(build, "tls", ports[1], paths[name], FRESH, front.pid)
                ours = load(build, "tls", tls.port, paths[name], FRESH, tls.process.pid)
                server_row(line, f"{what}: pintled over nginx", ours, FRESH, (beside, FRESH))
                server_row(line, f"{what}: nginx", beside, FRESH)
        finally:
            tls.stop()
            plain.stop()
            front.terminate()
            front.wait()
            floor.stdin.close()
            floor.wait()
