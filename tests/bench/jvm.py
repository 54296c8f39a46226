# SPDX-License-Identifier: Apache-2.0
"""OkHttp on the JVM against nginx: without pins, with its own CertificatePinner, and with ours, in turn in one process."""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUNDS = 600


def inside():
    """Prints "connection PLAIN PINNER OURS" and "request ..." in microseconds; by the Python that the end-to-end tests have."""
    sys.path.insert(0, str(ROOT / "tests" / "e2e"))
    from conftest import Backend  # pylint: disable=import-outside-toplevel,import-error
    from pki import Authority, Workshop, spki_pin
    from rig.jvm import SOURCES, build_directory, compile_java, fetched
    from rig.nginx import Nginx
    from rig.programs import Repository

    host = "api.example.test"
    with tempfile.TemporaryDirectory() as temporary:
        directory = pathlib.Path(temporary)
        path = [build_directory() / "jvm" / "pintle.jar",
                *fetched("okhttp-jvm-5.5.1.jar", "okio-jvm-3.18.1.jar", "kotlin-stdlib-2.2.21.jar")]
        root = Authority("Bench Root")
        workshop, nginx = Workshop(directory / "pki"), Nginx(directory / "nginx")
        site = Backend(nginx, Authority("Bench Issuing CA", root), workshop).serve(
            host, options="ssl_session_cache off; ssl_session_tickets off; keepalive_requests 1000000;")
        repository = Repository(directory / "pins", "--name", "bench")
        repository.pin(host, site.key)
        repository.publish()
        (directory / "hosts").write_text(f"127.0.0.1 {host}\n")
        classes = compile_java(directory / "classes", [SOURCES / "bench" / "Pinning.java"], path)
        try:
            subprocess.run(["java", f"-Djava.library.path={build_directory() / 'lib'}", f"-Djdk.net.hosts.file={directory / 'hosts'}",
                            "-cp", ":".join(map(str, [classes, *path])), "bench.Pinning", workshop.cert_file(root.certificate),
                            repository.roots, nginx.serve_directory(repository.public), directory / "store",
                            f"https://{host}:{site.port}/", spki_pin(site.key_object), str(ROUNDS)], check=True)
        finally:
            nginx.stop()


def measure(build, line):
    python = ROOT / "build" / "venv" / "bin" / "python"
    done = subprocess.run([python, __file__], capture_output=True, text=True, check=False,
                          env={**os.environ, "PINTLE_BIN": str(build / "bin")})
    if done.returncode != 0:
        line("OkHttp, JVM", "", f"not measured: {(done.stderr.strip() or 'it failed').splitlines()[-1]}")
        return
    for row in done.stdout.splitlines():
        what, plain, pinner, ours = row.split()
        what = {"connection": "a connection and a request", "request": "a request, connection kept"}[what]
        line(f"OkHttp 5: {what}, ours / CertificatePinner", f"{int(ours) / int(pinner):.3f}",
             f"{ours} us / {pinner} us; without pins {plain} us")


if __name__ == "__main__":
    inside()
