# SPDX-License-Identifier: Apache-2.0
"""What a fleet (tests/e2e/fleet.py) does to pintled when it is lost and comes back, and how soon it has what is new."""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from fleet import INTERVAL, Herd, Outage, crash, playing, publish, stall  # noqa: E402
from load import Span, percentile, server_row  # noqa: E402

# Polls come an interval apart, give or take a tenth: of a renewal process with such gaps, the time from any moment to
# the next poll exceeds x with probability (1.1 - x)^2 / 0.4 for x from 0.9 to 1.1 (in intervals).
CLOSED_FORM_99 = 1.1 - (0.4 * 0.01) ** 0.5


def measure(build, line):
    with tempfile.TemporaryDirectory(prefix="pintle-bench-") as name:
        for outage in (INTERVAL // 2, INTERVAL, 2 * INTERVAL):
            measure_outage(pathlib.Path(name) / f"outage-{outage}", outage, line)
        measure_publication(pathlib.Path(name) / "publication", line)


def measure_outage(directory, seconds, line, count=2000):
    with playing(directory, count) as (served, fleet):
        outage = Outage(served, fleet, seconds)
        line(f"{count} clients without pintled for {seconds / INTERVAL:g} intervals: extra load when it is back / rate*D/C",
             f"{outage.extra / outage.formula:.2f}",
             f"{outage.extra:.2f}/s in the first minute / {outage.formula:.2f}/s; {outage.settled:.2f}/s before, "
             f"{outage.lost:.2f}/s tried meanwhile, {outage.later:.2f}/s an interval later; {len(outage.arrivals)} hold what is new, the last after "
             f"{outage.arrivals[-1] / INTERVAL:.2f} intervals, {outage.failed} polls failed")
        if seconds < 2 * INTERVAL:
            return
        for disturb, what in ((crash, "pintled killed while all send a report"), (stall, "its disk blocked while all send one")):
            herd = Herd(served, fleet, disturb)
            answers = ", ".join(f"{times} x {status or 'no answer'}" for status, times in sorted(herd.refused.items()))
            line(f"{count} clients, {what}: acknowledged and missing", len(herd.missing),
                 f"{answers}; nobody had any left after {herd.rounds} more round(s); {herd.kept} kept, {herd.twice} twice")


def measure_publication(directory, line, count=10000):
    with playing(directory, count) as (served, fleet):
        served.start()
        with Span(served.pid) as span:
            requests = len(fleet.play(3 * INTERVAL)) + count  # the first poll of each fetches a body as well
        arrivals = publish(served, fleet)
        most = percentile(arrivals, .99) / INTERVAL
        line(f"{count} clients: publish to 99 % holding it / closed form, intervals", f"{most / CLOSED_FORM_99:.3f}",
             f"{most:.4f} / {CLOSED_FORM_99:.4f}; half {percentile(arrivals, .5) / INTERVAL:.4f}, "
             f"all {arrivals[-1] / INTERVAL:.4f}; {len(arrivals)} hold it")
        server_row(line, f"{count} clients: polls that pintled answers", span, requests)
