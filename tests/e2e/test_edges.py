# SPDX-License-Identifier: Apache-2.0
"""Probing: what every edge of a host serves, and which clients would refuse it."""

import shutil
import socket
import subprocess
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hostile_tls import HostileTls
from pki import new_key, spki_pin
from rig.process import LOOPBACK, wait_for
from rig.programs import Repository, binary, clean_environment, pintle, pintle_ok
from scenes import Ca

OTHER = "127.0.0.2"
PROBED_OFTEN = ("--probe-every", "1")


class Site:
    """Two edges of one host, 127.0.0.1 and 127.0.0.2, each with an ECDSA and an RSA certificate."""

    def __init__(self, backend, host, rsa_key):
        self.backend, self.host, self.port = backend, host, backend.nginx.unused_port()
        self.addresses = [LOOPBACK, OTHER]
        ec = new_key()
        self.keys = {address: {"ec": ec, "rsa": rsa_key} for address in self.addresses}
        self.apply()

    def apply(self):
        """Serves what keys and addresses say now."""
        self.backend.nginx.serve_block(self.port, "".join(map(self.block, self.addresses)))

    def block(self, address):
        lines = ""
        for key in self.keys[address].values():
            certificate, _ = self.backend.authority.leaf(self.host, key=key)
            chain = self.backend.workshop.cert_file(certificate, *self.backend.authority.chain())
            lines += f"ssl_certificate {chain}; ssl_certificate_key {self.backend.workshop.key_file(key)}; "
        return (f"server {{ listen {address}:{self.port} ssl; server_name {self.host}; "
                f"ssl_protocols TLSv1.2 TLSv1.3; {lines} return 204; }}")

    def options(self, ca):
        edges = [word for address in self.keys for word in ("--edge", f"{self.host}={address}:{self.port}")]
        return [*PROBED_OFTEN, "--probe-ca", ca, *edges]


@pytest.fixture(scope="session")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def site(backend, host, rsa_key):
    return Site(backend, host, rsa_key)


@pytest.fixture
def pinned(repository, site, backend):
    """The repository, with what the site serves pinned, in an app that is released."""
    repository.pin(site.host, *map(backend.workshop.key_file, site.keys[LOOPBACK].values()))
    repository.publish()
    shutil.copy(repository.shipped, repository.shipped.with_name("shipped-1"))
    return repository


def edges(server, query=""):
    """By address and kind of key."""
    status, _, page = server.api(f"/v1/edges{query}")
    assert (status, page["next"]) == (200, None), page
    return {(edge["address"], edge["key_type"]): edge for edge in page["items"]}


def found(server, address, key_type):
    """The last result of one edge; {} before there is one."""
    edge = edges(server).get((address, key_type), {})
    return edge.get("last") or {}


def refusing(result):
    return [verdict["generation"] for verdict in result["found"]["verdicts"] if not verdict["accepted"]]


def test_the_edge_that_was_rekeyed_is_found(site, pinned, pintled, ca, backend):
    server = pintled(pinned, *site.options(ca))
    every = [(address, kind) for address in site.keys for kind in ("ec", "rsa")]
    wait_for("every edge to be probed", lambda: all(found(server, *edge).get("pinned") == "yes" for edge in every), 30,
             explain=server.process.output)
    for address, kind in every:
        result = found(server, address, kind)
        assert result["found"]["certificates"][0]["spki"] == spki_pin(site.keys[address][kind])
        assert (result["outcome"], result["found"]["valid"], refusing(result)) == ("served", True, [])

    new = new_key()
    pinned.run("pin", "add", site.host, "--key", backend.workshop.key_file(new))
    pinned.publish()  # clients that poll take the new key, an installed app that cannot does not
    site.keys[OTHER]["ec"] = new
    site.apply()
    # The generation for the next build is written after what clients poll, so it may refuse for a moment.
    wait_for("the new key to be seen", lambda: refusing(found(server, OTHER, "ec")) == ["shipped-1"], 30,
             explain=server.process.output)
    result = found(server, OTHER, "ec")
    assert result["pinned"] == "no"
    assert {verdict["generation"]: verdict["reason"] for verdict in result["found"]["verdicts"]} == {
        "current": "matched", "shipped": "matched", "shipped-1": "mismatch"}
    assert [leaf["spki"] for leaf in edges(server)[OTHER, "ec"]["leaves"]] == [
        spki_pin(new), spki_pin(site.keys[LOOPBACK]["ec"])]
    assert found(server, LOOPBACK, "ec")["pinned"] == found(server, OTHER, "rsa")["pinned"] == "yes"
    assert f"{site.host} at {OTHER} port {site.port} serves the ec key {spki_pin(new)}" in server.process.output()

    metrics = server.request("GET", "/metrics", base=server.admin)[2].decode()
    for address, kind in every:
        labels = f'{{host="{site.host}",edge="{address}:{site.port}",key="{kind}"}}'
        assert f"pintle_edge_mismatch{labels} {int((address, kind) == (OTHER, 'ec'))}\n" in metrics
        assert f"pintle_cert_not_after_timestamp_seconds{labels} " in metrics

    (pinned.directory / "app" / "shipped-1").unlink()  # that app is supported no more
    wait_for("the verdicts to follow", lambda: found(server, OTHER, "ec")["pinned"] == "yes", 30,
             explain=server.process.output)


def test_an_edge_that_dies(site, pinned, pintled, ca):
    del site.keys[OTHER]["rsa"]
    site.apply()
    server = pintled(pinned, *site.options(ca))
    wait_for("the kind that is not served to be told",
             lambda: found(server, OTHER, "rsa").get("outcome") == "not_served", 30, explain=server.process.output)
    assert "no RSA certificate" in found(server, OTHER, "rsa")["found"]["detail"]
    others = ((LOOPBACK, "ec"), (LOOPBACK, "rsa"), (OTHER, "ec"))
    wait_for("the others to be probed", lambda: all(found(server, *edge).get("pinned") == "yes" for edge in others), 30,
             explain=server.process.output)
    site.addresses.remove(OTHER)
    site.apply()
    wait_for("the dead edge to fail again and again", lambda: found(server, OTHER, "ec").get("failures", 0) > 1, 30,
             explain=server.process.output)
    dead = edges(server)[OTHER, "ec"]
    assert (dead["last"]["outcome"], dead["last"]["pinned"], dead["active"]) == ("failed", "unknown", True)
    assert "Connection refused" in dead["last"]["found"]["detail"]
    before = found(server, LOOPBACK, "ec")["probed"]
    wait_for("the other to be probed all the same", lambda: found(server, LOOPBACK, "ec")["probed"] > before, 30,
             explain=server.process.output)
    assert found(server, LOOPBACK, "ec")["pinned"] == "yes"


def test_hostile_edges(repository, pintled, workshop, host):
    issuing, key = Ca("Hostile Test Root"), new_key()
    leaf = issuing.leaf(key, [host])
    hostile = HostileTls(SimpleNamespace(issuing=issuing, key=key, names=[host], good=leaf, stray_key=key, stray=leaf,
                                         forged=leaf))
    silent = socket.create_server((LOOPBACK, 0))  # its backlog takes whoever comes
    repository.pin(host, workshop.key_file(key))
    repository.publish()
    scenes = ("noise", "deep", "list-lies", "ten-megabytes-chain", "hundred-issuers", "certificate-endless",
              "cut-in-certificate", "key-off-curve", "no-tls", "closed-at-once", "hello-noise")
    ports = {scene: hostile.ports[scene] for scene in ("good", *scenes)}
    server = pintled(repository, *PROBED_OFTEN, "--probe-ca", workshop.cert_file(issuing.certificate),
                     *(word for port in (*ports.values(), silent.getsockname()[1])
                       for word in ("--edge", f"{host}={LOOPBACK}:{port}")))

    def outcomes():
        items = server.api("/v1/edges?limit=1000")[2]["items"]
        return {(item["port"], item["key_type"]): (item["last"] or {}).get("outcome") for item in items}

    wait_for("every edge but the silent one to be probed",
             lambda: all(outcomes().get((port, kind)) for port in ports.values() for kind in ("ec", "rsa")), 60,
             explain=server.process.output)
    assert (outcomes()[ports["good"], "ec"], outcomes()[ports["good"], "rsa"]) == ("served", "not_served")
    assert {scene: outcomes()[ports[scene], "ec"] for scene in scenes} == dict.fromkeys(scenes, "failed")
    assert server.request("GET", "/healthz", base=server.admin)[0] == 200
    assert server.stop() == 0
    silent.close()


def test_edges_that_operators_add(repository, pintled, workshop, host):
    repository.pin(host, workshop.key_file())
    repository.publish()
    server = pintled(repository, *PROBED_OFTEN, "--edge", f"{host}={LOOPBACK}:1")
    wanted = {"host": host, "address": LOOPBACK, "port": 2}
    where = f"?host={host}&address={LOOPBACK}&port=2"
    reader, operator = server.new_token("reader"), server.new_token("operator")

    assert server.api("/v1/edges", "POST", wanted, reader)[0] == 403
    assert server.api("/v1/edges" + where, "DELETE", token=reader)[0] == 403
    for wrong, why in (({**wanted, "prot": 1}, "prot"), ({**wanted, "repository": "other"}, "no repository"),
                       ({**wanted, "port": 0}, "port"), ({**wanted, "address": "1.2.3.4:5"}, "without port"),
                       ({"host": host}, "address"), ({**wanted, "host": "a b"}, "host"), ([], "object")):
        status, _, answer = server.api("/v1/edges", "POST", wrong, operator)
        assert (status, why in answer["error"]) == (400, True), answer
    assert server.api("/v1/edges", "POST", wanted, operator)[0] == 201
    assert server.api("/v1/edges", "POST", wanted, operator)[0] == 200
    added = [line for line in server.api("/v1/journal")[2]["items"] if line["event"] == "edge.added"]
    assert [line["detail"] for line in added] == [f"{host} at {LOOPBACK} port 2"]

    def ports(active=True):
        return {(edge["port"], edge["source"]) for edge in server.api(f"/v1/edges?host={host}")[2]["items"]
                if edge["active"] == active}

    wait_for("the edge to be looked at", lambda: ports() >= {(1, "option"), (2, "api")}, 30,
             explain=server.process.output)
    first = server.api("/v1/edges?limit=1")[2]
    rest = server.api(f"/v1/edges?after={first['next']}")[2]
    assert first["items"] + rest["items"] == server.api("/v1/edges")[2]["items"] and len(first["items"]) == 1
    assert server.api("/v1/edges?host=other.example.test")[2]["items"] == []
    assert server.api("/v1/edges?repository=other")[2]["items"] == []

    server.stop()
    server = pintled(repository, *PROBED_OFTEN)  # it keeps what was added, not what its command line said
    wait_for("the edge to be dropped", lambda: ports() == {(2, "api")}, 30, explain=server.process.output)
    assert server.api("/v1/edges" + where.replace("=2", "=x"), "DELETE")[0] == 400
    assert server.api("/v1/edges" + where.replace("=2", "=1"), "DELETE")[0] == 404
    assert server.api("/v1/edges" + where, "DELETE")[0] == 204
    wait_for("the other to be dropped", lambda: ports() == set(), 30, explain=server.process.output)
    assert ports(active=False) == {(1, "option"), (2, "api")}
    assert "edge.removed" in [line["event"] for line in server.api("/v1/journal")[2]["items"]]


def test_each_repository_judges_by_its_own_pins(site, pinned, pintled, ca, tmp_path, workshop):
    other = Repository(tmp_path / "shop")
    other.pin(site.host, workshop.key_file())
    other.publish()
    edge = f"{site.host}={LOOPBACK}:{site.port}"
    server = pintled(pinned, *PROBED_OFTEN, "--probe-ca", ca, "--repo", f"shop={other.directory}", "--edge", edge,
                     "--edge", f"shop/{edge}")
    for name, verdict in (("_", "yes"), ("shop", "no")):
        wait_for(f"the edge of {name} to be judged", lambda name=name, verdict=verdict: {
            (edge.get("last") or {}).get("pinned")
            for edge in server.api(f"/v1/edges?repository={name}")[2]["items"]} == {verdict}, 30,
            explain=server.process.output)
    assert f'key="ec",repository="shop"}} 1' in server.request("GET", "/metrics", base=server.admin)[2].decode()


@pytest.mark.parametrize("words, why", [
    (["--edge", "shop/a.test=192.0.2.1"], 'with the NAME of a --repo, found "shop"'),
    (["--edge", "a.test"], "expected HOST=ADDRESS"),
    (["--probe-ca", "nowhere.pem"], "--probe-ca: expected PEM certificates in nowhere.pem"),
    (["--probe-every", "86401"], "0 to 86400")], ids=lambda value: value if isinstance(value, str) else value[0])
def test_what_cannot_be_probed_is_told_at_once(repository, tmp_path, words, why):
    repository.publish()
    for more in ([], ["--check-config"]):
        done = subprocess.run([binary("pintled"), "--repo", repository.directory, "--data", tmp_path / "data",
                               "--listen", f"{LOOPBACK}:0", *words, *more], capture_output=True, text=True,
                              timeout=30, check=False, env=clean_environment())
        assert done.returncode != 0 and why in done.stderr, done.stderr


def test_names_are_resolved(site, pinned, pintled, ca):
    server = pintled(pinned, *PROBED_OFTEN, "--probe-ca", ca, "--edge", f"{site.host}=localhost:{site.port}",
                     "--edge", f"{site.host}=nowhere.invalid:{site.port}")
    wait_for("localhost to be resolved and probed", lambda: found(server, LOOPBACK, "ec").get("pinned") == "yes", 30,
             explain=server.process.output)
    wait_for("the other name to be told", lambda: "nowhere.invalid cannot be resolved" in server.process.output(), 60,
             explain=server.process.output)


def test_the_command_shows_the_same(site, pinned, ca, backend):
    new = new_key()
    site.keys[OTHER]["ec"] = new
    site.apply()
    (pinned.directory / "app" / "shipped-broken").write_bytes(b"PNTL0001 and no more")
    result = pintle("probe", f"{site.host}:{site.port}", "--address", LOOPBACK, "--address", OTHER, "--ca", ca,
                    "--repo", pinned.directory, "--json")
    assert result.returncode == 0, result.all
    assert "left out: app/shipped-broken" in result.stderr
    shown = {(edge["address"], edge["key_type"]): edge for edge in result.json["edges"]}
    assert shown[f"{OTHER}:{site.port}", "ec"]["spki"] == spki_pin(new)
    assert {edge: one["refused_by"] for edge, one in shown.items()} == {
        (f"{LOOPBACK}:{site.port}", "ec"): "nobody", (f"{LOOPBACK}:{site.port}", "rsa"): "nobody",
        (f"{OTHER}:{site.port}", "ec"): "current, shipped, shipped-1", (f"{OTHER}:{site.port}", "rsa"): "nobody"}
    assert len({certificate["leaf"] for certificate in result.json["certificates"]}) == 3
    only = pintle_ok("probe", f"{site.host}:{site.port}", "--address", OTHER, "--key-type", "ec", "--ca", ca)
    assert spki_pin(new) in only.stdout and " rsa " not in only.stdout
