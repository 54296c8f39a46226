# SPDX-License-Identifier: Apache-2.0
"""Several repositories on one server: each below its name, with a signer of its own, none a burden to the others."""

import json
import os
import re
import signal

import pytest

from rig.process import wait_for
from rig.programs import Repository
from test_pintled import TestStarting as Starting
from test_pintled import report


@pytest.fixture
def shop(tmp_path):
    return Repository(tmp_path / "shop", "--name", "shop-pins")


@pytest.fixture
def bank(tmp_path):
    return Repository(tmp_path / "bank", "--name", "bank-pins")


def health(server, path="/healthz"):
    status, _, body = server.request("GET", path, base=server.admin)
    return status, json.loads(body)


def of(server, name):
    """The part of the one called name."""
    (found,) = [one for one in health(server)[1]["repositories"] if one["name"] == name]
    return found


def test_each_is_served_below_its_name(pintled, repository, shop, bank, install, backend, host):
    server = pintled(repository, "--repo", f"shop={shop.directory}", "--repo", f"bank={bank.directory}")
    for prefix, one in (("", repository), ("/shop", shop), ("/bank", bank)):
        for path in (path for path in one.public.rglob("*") if path.is_file()):
            name = f"{prefix}/{path.relative_to(one.public)}"
            assert server.get(name)[::2] == (200, path.read_bytes()), name
    site = backend.serve(host)
    shop.pin(host, site.key)
    shop.publish()
    client = install(shop, server.url + "/shop")
    assert client.get(site.url, connect=site.address).returncode == 0
    refused = install(bank, server.url + "/shop").get(site.url, connect=site.address)
    assert refused.returncode != 0, refused.all  # another repository is another trust anchor


def test_paths_do_not_lead_from_one_to_another(pintled, repository, shop):
    server = pintled(repository, "--repo", f"shop={shop.directory}")
    for path in ("/shop", "/shop/", "/shopping/head/1", "/sho/head/1", "/shop/shop/head/1", "//shop/head/1",
                 "/shop/../head/1", "/shop/%2e%2e/head/1", "/shop//head/1", "/head/../shop/head/1", "/shop/metrics",
                 "/shop/../../shop/keys/timestamp.pem", "/shop/repository.json", "/SHOP/head/1"):
        assert server.get(path)[0] == 404, path
    assert server.get("/shop/head/1")[0] == server.get("/%73hop/head/1")[0] == 200
    assert server.request("POST", "/shop/head/1", b"")[0] == 405


def test_only_named_ones(pintled, tmp_path, shop):
    server = pintled(f"shop={shop.directory}")
    assert server.get("/shop/head/1")[0] == 200
    assert server.get("/head/1")[0] == 404
    assert server.post_report(report())[0] in (404, 405)
    status, _, _ = server.request("POST", "/shop/v1/reports", report(), {"Content-Type": "application/json"})
    assert status == 202
    assert health(server)[0] == health(server, "/shop/healthz")[0] == 200


def test_one_that_fails_does_not_stop_the_others(pintled, repository, shop, bank, tmp_path):
    """One is no repository, the signer of one dies, the files of one break: each is told apart, all else goes on."""
    server = pintled(repository, "--repo", f"shop={shop.directory}", "--repo", f"bank={bank.directory}", "--repo",
                     f"none={tmp_path / 'none'}")
    said = server.process.output()
    assert re.search(r"error repository none: IT IS NOT SERVED.*pintle init", said), said
    assert server.get("/none/head/1")[0] == 503
    assert server.get("/none/healthz")[0] == 503
    signer = int(re.search(r"signer of shop: process (\d+)", said).group(1))
    os.kill(signer, signal.SIGKILL)
    wait_for("the death of a signer to be noticed", lambda: of(server, "shop")["signer"] == "down")
    (bank.public / "metadata" / "timestamp.json").write_text("{}")
    server.process.send(signal.SIGHUP)
    wait_for("broken files to be noticed", lambda: of(server, "bank")["repository"] == "unreadable")
    assert health(server)[1]["status"] == "degraded" and health(server)[0] == 200
    assert (of(server, "")["status"], of(server, "")["signer"]) == ("ok", "up")
    for path in ("/head/1", "/shop/head/1", "/bank/head/1"):
        assert server.get(path)[0] == 200, path
    lines = server.request("GET", "/metrics", base=server.admin)[2].decode().splitlines()
    for line in ("pintle_signer_up 1", 'pintle_signer_up{repository="shop"} 0', 'pintle_signer_up{repository="bank"} 1',
                 'pintle_repository_readable{repository="bank"} 0', "pintle_repository_readable 1"):
        assert line in lines, line
    before = repository.timestamp()["signed"]["version"]
    repository.publish()  # the signer of the first still takes part
    server.process.send(signal.SIGHUP)
    wait_for("the new publication", lambda: of(server, "")["roles"][1]["version"] == before + 1)
    assert of(server, "")["status"] == "ok"


def test_none_of_them_is_a_repository(tmp_path):
    done = Starting().run("--repo", f"a={tmp_path / 'a'}", "--repo", f"b={tmp_path / 'b'}", "--data", tmp_path / "d")
    assert done.returncode == 1
    assert "pintle init" in done.stderr


def test_nothing_private_lies_among_the_public_files_of_any(tmp_path, shop, bank):
    both = ("--repo", f"shop={shop.directory}", "--repo", f"bank={bank.directory}")
    for words in (("--data", bank.public / "data"), ("--data", tmp_path / "d", "--keys", f"shop={bank.public}")):
        done = Starting().run(*both, *words)
        assert done.returncode == 1
        assert "lies among the public files" in done.stderr
