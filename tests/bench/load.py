# SPDX-License-Identifier: Apache-2.0
"""What measures of servers share: the CPU time between two moments, percentiles, one form of table."""

import os
import pathlib
import time

TICK = os.sysconf("SC_CLK_TCK")


def children(pid):
    """The processes that it started, and theirs."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *children(child)]
    return found


def cpu_seconds(pid):
    """User and system time so far of a process, all of its threads, and the processes below it that are running."""
    total = 0
    for one in (pid, *children(pid)):
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


class Span:
    """with Span(pid) as span: ...; then span.cpu and span.seconds.  The kernel counts in ticks: load for seconds."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        self.cpu, self.seconds = cpu_seconds(self.pid), time.monotonic()
        return self

    def __exit__(self, *_):
        self.cpu, self.seconds = cpu_seconds(self.pid) - self.cpu, time.monotonic() - self.seconds


def percentile(values, share):
    """The smallest value that at least this share (0.99) of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 10000) // 10000) - 1)]


def server_row(line, what, span, requests, beside=None, latencies=()):
    """A row of the table: what, requests a CPU-second over those of `beside` (a span and requests of the same run)."""
    made_of = f"{requests / span.cpu:.0f} a CPU-second, {span.cpu / requests * 1e6:.2f} us each, {requests / span.seconds:.0f}/s"
    if latencies:
        made_of += f", p50 {percentile(latencies, .5) * 1e3:.2f} ms, p99 {percentile(latencies, .99) * 1e3:.2f} ms"
    ratio = ""
    if beside is not None:
        other, other_requests = beside
        ratio = f"{(requests / span.cpu) / (other_requests / other.cpu):.2f}"
    line(what, ratio, made_of)
