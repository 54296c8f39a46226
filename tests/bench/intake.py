# SPDX-License-Identifier: Apache-2.0
"""Durable intake of 1 KB reports: one a request, and in batches of 50.  PINTLE_BENCH_INTAKE_S is how long each lasts
(4 s); 600 shows whether memory stays flat."""

import os
import pathlib
import subprocess
import sys
import tempfile

from load import Span, server_row

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from rig.programs import Pintled, Repository  # noqa: E402

SECONDS = float(os.environ.get("PINTLE_BENCH_INTAKE_S", "4"))
GOAL = 40000  # reports a CPU-second in batches


def resident(pid):
    """Kilobytes of a process."""
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def load(build, server, connections, batch, seconds, first):
    """What bench_post counted and timed, and what the server took for it; and its memory before and after."""
    before = resident(server.process.pid)
    with Span(server.process.pid) as span:
        done = subprocess.run([build / "tests/bench_post", str(server.port), str(connections), str(batch), str(seconds),
                               str(first)], capture_output=True, text=True, check=True)
    counts, *times = done.stdout.split("\n")
    acknowledged, deferred, failed = map(int, counts.split())
    assert failed == 0 and acknowledged > 0, counts
    return span, acknowledged, deferred, [float(time) / 1000 for time in times if time], (before,
                                                                                          resident(server.process.pid))


def measure(build, line):
    os.environ.setdefault("PINTLE_BIN", str(build / "bin"))
    with tempfile.TemporaryDirectory(prefix="pintle-bench-") as name:
        directory = pathlib.Path(name)
        server = Pintled(Repository(directory / "pins").directory, directory / "data", "--sample-reports", "20")
        total = load(build, server, 8, 50, 1, 1 << 50)[1]  # the first ones, which make the cells
        rows = [("reports one a request, 32 connections", 32, 1), ("reports in batches of 50, 32 connections", 32, 50)]
        for number, (what, connections, batch) in enumerate(rows):
            span, count, deferred, times, (before, after) = load(build, server, connections, batch, SECONDS,
                                                                 number << 45)
            total += count
            server_row(line, what, span, count, latencies=times)
            if batch > 1:
                line(f"{what}: a CPU-second / the goal", f"{count / span.cpu / GOAL:.2f}",
                     f"{count / span.cpu:.0f} / {GOAL}; {deferred} requests told to come later")
            line(f"{what}: memory after / before", f"{after / before:.2f}",
                 f"{after} / {before} KB in {span.seconds:.0f} s; the ids of {count} reports are among it,"
                 " 11 to 21 bytes each, 128 MB at most")
        counted = sum(cell["reports"] for cell in server.cells())
        line("reports counted / acknowledged", f"{counted / total:.4f}", f"{counted} / {total}")
        server.stop()
