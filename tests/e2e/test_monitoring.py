# SPDX-License-Identifier: Apache-2.0
"""What packaging/ gives to Prometheus and Grafana: promtool finds no fault, and pintled has every metric it names."""

import json
import re
import subprocess

import pytest

from rig.markdown import blocks
from rig.process import program
from rig.programs import ROOT, binary, clean_environment
from test_pintled import report

RULES = ROOT / "packaging" / "prometheus"
DASHBOARD = json.loads((ROOT / "packaging" / "grafana" / "pintle.json").read_text())


def promtool(*words, **options):
    done = subprocess.run([program("promtool"), *map(str, words)], capture_output=True, text=True, timeout=60, check=False,
                          **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def scrape(repository, pintled):
    """/metrics of a server that has something to tell."""
    server = pintled(repository)
    assert server.get("/head/1")[0] == 200
    assert server.post_report(report())[0] == 202
    assert server.post_report(b"{}")[0] == 400
    status, headers, body = server.request("GET", "/metrics", base=server.admin)
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return body.decode()


def names_in(expression):
    return set(re.findall(r"\bpintle_\w+", expression))


def expressions():
    """Of the dashboard, with Grafana's variables put in."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield re.sub(r"\$(__)?\w+", lambda found: "5m" if found[1] else "x", target["expr"])


def test_promtool_has_nothing_to_say_about_the_metrics(scrape):
    assert promtool("check", "metrics", input=scrape) == ""


def test_every_metric_has_help_and_type_once(scrape):
    helped, typed = (re.findall(rf"^# {word} (\S+) ", scrape, re.M) for word in ("HELP", "TYPE"))
    assert helped == typed and len(set(typed)) == len(typed)
    assert set(re.findall(r"^(\w+)[{ ]", scrape, re.M)) <= set(typed)


def test_the_rules(scrape):
    promtool("check", "rules", RULES / "pintle.rules.yml")
    promtool("test", "rules", "pintle.rules.test.yml", cwd=RULES)
    unknown = names_in((RULES / "pintle.rules.yml").read_text()) - names_in(scrape)
    assert not unknown


def test_the_dashboard(tmp_path, scrape):
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions())]
    assert len(rules) >= len(DASHBOARD["panels"])
    (tmp_path / "dashboard.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "dashboard.yml")
    for rule in rules:
        assert names_in(rule["expr"]) and names_in(rule["expr"]) <= names_in(scrape), rule
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


class TestGuide:
    """docs/guides/alerts.md, for those on call."""

    GUIDE = (ROOT / "docs" / "guides" / "alerts.md").read_text()

    def test_every_alert_has_a_section(self):
        own = re.findall(r'\{"(Pintle\w+)"', (ROOT / "server" / "alert_rules.c").read_text())
        of_prometheus = re.findall(r"alert: (\w+)", (RULES / "pintle.rules.yml").read_text())
        assert len(own) == 8
        assert set(re.findall(r"^### (\w+)$", self.GUIDE, re.M)) == {*own, *of_prometheus}

    def test_its_files(self, tmp_path, repository):
        config, prometheus = (block.text for block in blocks(self.GUIDE, "text"))
        (tmp_path / "pintled.conf").write_text(config)
        done = subprocess.run([binary("pintled"), "--check-config", "--config", tmp_path / "pintled.conf", "--repo",
                               repository.directory, "--data", tmp_path / "data"], capture_output=True, text=True,
                              check=False, timeout=30, env=clean_environment())
        assert done.returncode == 0, done
        (tmp_path / "prometheus.yml").write_text(prometheus)
        (tmp_path / "pintle.rules.yml").write_text((RULES / "pintle.rules.yml").read_text())
        promtool("check", "config", tmp_path / "prometheus.yml")
