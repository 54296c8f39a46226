# SPDX-License-Identifier: Apache-2.0
"""The steps of the demonstration, each as a test; and the demonstration itself."""

import os
import re
import signal
import subprocess
import time

import pytest

from pki import new_key, spki_pin
from rig.process import wait_for
from rig.programs import ROOT, binary, pintle
from thief import Thief, alter_signature, alter_timestamp


@pytest.fixture
def deployed(backend, team_repository, pintled, install, host):
    """A team's repository behind pintled, pins for live, next and backup keys; returns what the steps need."""
    class Deployed:
        repository = team_repository
        site = backend.serve(host)
        server = pintled(team_repository)
        next_key, next_file = backend.new_key()

    repository = Deployed.repository
    repository.run("charter", "set", "--report-url", Deployed.server.url + "/v1/reports", "--refresh-seconds", "2")
    repository.pin(host, Deployed.site.key, Deployed.next_file, backend.new_key()[1])
    repository.sign_and_publish()
    Deployed.client = install(repository, Deployed.server.url)
    return Deployed


def test_step_1_pinned_client_gets_the_page(deployed, host):
    result = deployed.client.get(deployed.site.url, connect=deployed.site.address)
    assert (result.returncode, result.stdout) == (0, "hello from the backend"), result.all
    verdict = deployed.client.verdict(host, connect=deployed.site.address)
    assert (verdict["reason"], verdict["freshness"]) == ("matched", "fresh")
    assert verdict["matched"] == spki_pin(deployed.site.key_object)


@pytest.mark.parametrize("options, protocol", [(["-r", "tls12"], "TLSv1.2"), ([], "TLSv1.3")])
def test_step_2_interception_with_a_rogue_ca(deployed, backend, intercept, ca, host, options, protocol):
    stolen_key = new_key()
    interceptor = intercept(deployed.site.address, key=stolen_key, options=options)
    assert deployed.client.verdict(host, connect=interceptor.address)["protocol"] == protocol
    fooled = pintle("get", f"https://{host}/unpinned-secret", "--insecure-unpinned", "--ca", ca, "--connect",
                    interceptor.address)
    assert (fooled.returncode, fooled.stdout) == (0, "hello from the backend"), fooled.all
    wait_for("the leak in the log", lambda: "GET /unpinned-secret HTTP/1.1" in interceptor.requests())
    before = len(backend.requests(host))
    pinned = deployed.client.get(f"https://{host}/pinned-secret", connect=interceptor.address)
    assert (pinned.returncode, pinned.stdout) == (67, ""), pinned.all
    assert interceptor.requests() == ["GET /unpinned-secret HTTP/1.1"]
    assert b"pinned-secret" not in interceptor.content().replace(b"unpinned-secret", b"")
    assert len(backend.requests(host)) == before
    reports = wait_for("the reports", deployed.server.reports)
    assert {(report["host"], report["chain-spki"][0]) for report in reports} == {(host, spki_pin(stolen_key))}


def test_step_2_running_client_is_intercepted_and_let_go_again(deployed, switch, intercept, watch, host):
    way = switch(deployed.site.address)
    interceptor = intercept(deployed.site.address)
    running = watch(deployed.client, f"https://{host}/secret", connect=way.address)
    running.wait_for_success()
    way.target = interceptor.address
    running.wait_for_refusal()
    running.wait_for_refusal()
    assert interceptor.requests() == []
    way.target = deployed.site.address
    running.wait_for_success()
    assert b"secret" not in interceptor.content()


def test_step_2_first_start_with_a_shipped_generation_under_attack(deployed, backend, intercept, install, host):
    """No store, and the attacker owns the way to the manifest too: the shipped pins hold."""
    interceptor = intercept(deployed.site.address)
    client = install(deployed.repository, "http://127.0.0.1:1", shipped=True)
    refused = client.get(deployed.site.url, connect=interceptor.address)
    assert refused.returncode == 67, refused.all
    assert interceptor.requests() == []
    assert client.get(deployed.site.url, connect=deployed.site.address).returncode == 0


def test_step_2_nothing_known_means_refused_not_unpinned(deployed, intercept, install):
    interceptor = intercept(deployed.site.address)
    client = install(deployed.repository, "http://127.0.0.1:1")
    refused = client.get(deployed.site.url, connect=interceptor.address)
    assert refused.returncode == 69, refused.all
    assert interceptor.requests() == []


def test_step_3_next_key_and_healing(deployed, backend, watch, host):
    running = watch(deployed.client, deployed.site.url, connect=deployed.site.address)
    running.wait_for_success()
    backend.rekey(deployed.site, deployed.next_key)
    for _ in range(2):
        running.wait_for_success()
    assert running.refused() == 0
    surprise, surprise_file = backend.new_key()
    backend.rekey(deployed.site, surprise)
    running.wait_for_refusal()
    deployed.repository.run("pin", "add", host, "--key", surprise_file)
    deployed.repository.publish()
    published = time.monotonic()
    running.wait_for_success()
    assert time.monotonic() - published < 10
    assert running.stop() == 0, running.process.output()


def test_step_4_server_gone_and_client_restarted(deployed, backend, intercept, host):
    interceptor = intercept(deployed.site.address)
    assert deployed.client.get(deployed.site.url, connect=deployed.site.address).returncode == 0
    assert deployed.server.stop() == 0
    result = deployed.client.get(deployed.site.url, connect=deployed.site.address)
    assert result.returncode == 0, result.all
    assert re.search(r"enforcing the last good pins: charter=2,main=2, issued .+ ago", result.stderr), result.all
    refused = deployed.client.get(deployed.site.url, connect=interceptor.address)
    assert refused.returncode == 67, refused.all
    assert interceptor.requests() == []


@pytest.mark.parametrize("attack, reason", [
    ("old", "rollback"), ("altered", "timestamp: 0 of 1 "), ("below", "targets: 1 of 2 ")])
def test_step_5_bad_manifest(deployed, backend, host, tmp_path, attack, reason):
    client, repository = deployed.client, deployed.repository
    old = repository.copy_public(tmp_path / "old")
    repository.publish()
    assert client.check(host, connect=deployed.site.address).returncode == 0
    if attack == "altered":
        alter_timestamp(repository.copy_public(tmp_path / "altered"), alter_signature)
    if attack == "below":
        thief = Thief(old, [*repository.keys.glob("*.pem"), repository.signers[1]])
        thief.charter["hosts"][0]["mode"] = "report"
        thief.timestamp["version"] += 10
        thief.publish(tmp_path / "below")
    held = client.accepted()
    result = client.check(host, connect=deployed.site.address,
                          urls=[backend.nginx.serve_directory(tmp_path / attack)])
    assert result.returncode == 0, result.all
    assert re.search(f"rejected: .*{reason}", result.stderr), result.all
    assert client.accepted() == held


def test_step_5_zone_that_oversteps_its_charter(backend, repository, install, host, tmp_path):
    """The thief of zone main's key names a host of another zone, a host of nobody, and denies a charter pin."""
    site, other = backend.serve(host), backend.serve("pay.example.test")
    stolen, stranger = backend.serve("pay.example.test"), backend.serve("unlisted.example.test")
    repository.run("zone", "add", "payments")
    repository.pin(host, site.key)
    repository.pin(other.host, other.key, zone="payments")
    repository.run("pin", "add", host, "--key", site.key, "--permanent")
    repository.publish()
    client = install(repository, backend.nginx.serve_directory(repository.public))
    assert client.check(host, connect=site.address).returncode == 0
    thief = Thief(repository.public, [repository.keys / name for name in
                                      ("snapshot.pem", "timestamp.pem", "zone-main.pem")])

    def pin(key):
        return {"sha256": spki_pin(key), "of": "spki", "at": "leaf"}

    hosts = thief.zones["main"]["hosts"]
    hosts.append({"host": other.host, "pins": [pin(stolen.key_object)],
                  "deny": [{"sha256": spki_pin(other.key_object), "of": "spki"}]})
    hosts.append({"host": stranger.host, "pins": [pin(new_key())], "deny": []})
    hosts[0]["deny"] = [{"sha256": spki_pin(site.key_object), "of": "spki"}]
    client.urls = [backend.nginx.serve_directory(thief.publish(tmp_path / "overstep"))]
    taken = client.check(host, connect=site.address)
    assert taken.returncode == 0, "the charter's pin cannot be denied by the zone: " + taken.all
    notices = [line for line in taken.stderr.splitlines() if line.startswith("notice: ")]
    for name in (other.host, stranger.host, host):
        assert any(name in line for line in notices), (name, taken.all)
    assert client.check(other.host, connect=stolen.address).returncode == 67
    assert client.check(other.host, connect=other.address).returncode == 0
    assert client.verdict(stranger.host, connect=stranger.address)["reason"] == "unlisted"


def processes_naming(text):
    """The ids of processes whose command line holds text."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if text.encode() in file.read():
                    found.append(pid)
        except OSError:
            continue
    return found


def demo_environment(tmp_path, **extra):
    return {**os.environ, "TMPDIR": str(tmp_path), "PINTLE_BIN": str(binary("pintle").parent), **extra}


def test_demo(tmp_path):
    done = subprocess.run([ROOT / "tools" / "demo" / "run"], capture_output=True, text=True, timeout=120, check=False,
                          env=demo_environment(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    steps = re.findall(r"^ *([1-7])  ", done.stdout, re.M)
    assert steps == sorted(steps) and set(steps) == set("1234567"), done.stdout
    assert list(tmp_path.iterdir()) == []
    assert processes_naming(str(tmp_path)) == []


def test_demo_stopped_halfway_leaves_nothing(tmp_path):
    demo = subprocess.Popen([ROOT / "tools" / "demo" / "run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, env=demo_environment(tmp_path))
    for line in demo.stdout:
        if re.match(r" *2  ", line):
            demo.send_signal(signal.SIGTERM)
            break
    demo.stdout.read()
    assert demo.wait(timeout=20) != 0
    assert list(tmp_path.iterdir()) == []
    assert processes_naming(str(tmp_path)) == []


@pytest.mark.skipif(not os.environ.get("PINTLE_LONG"), reason="the whole demonstration once more; make test-long runs it")
def test_demo_keep_leaves_everything_up_until_it_is_stopped(tmp_path):
    done = subprocess.run([ROOT / "tools" / "demo" / "run"], capture_output=True, text=True, timeout=120, check=False,
                          env=demo_environment(tmp_path, KEEP="1"))
    (directory,) = tmp_path.iterdir()
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        assert str(directory / "stop") in done.stdout
        assert len(processes_naming(str(tmp_path))) >= 4
    finally:
        subprocess.run([directory / "stop"], check=True)
    wait_for("everything to end", lambda: not processes_naming(str(tmp_path)))
    assert not directory.exists()
