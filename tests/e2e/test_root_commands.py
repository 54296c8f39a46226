# SPDX-License-Identifier: Apache-2.0
"""Root and keys over time, by the commands that people type, beside a pintled that never stops, and clients."""

import json
import shutil

import pytest

from rig.clock import clock
from rig.process import wait_for
from rig.programs import Repository, pintle, pintle_ok


class World:
    """Two of three people, a site that they pin, a server that clients poll, and keys of people yet to come."""

    def __init__(self, repository, site, server, client, directory):
        self.repository, self.site, self.server, self.client = repository, site, server, client
        self.directory = directory

    def key(self, person, role="root"):
        """The key of one of the three, or one that is made for a newcomer."""
        number = {"alice": 1, "bob": 2, "carol": 3}.get(person)
        path = self.directory / person / (f"{role}-{number}.pem" if number else f"{role}.pem")
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            pintle_ok("key", "new", path)
        return path

    def sign(self, *people, role="root"):
        for person in people:
            self.repository.run("sign", "--key", self.key(person, role))

    def lacks(self, text):
        """It is not published, and says what is missing."""
        before = self.repository.timestamp()
        refused = self.repository.try_run("publish")
        assert refused.returncode == 66, refused.all
        assert text in refused.stderr, refused.all
        assert self.repository.timestamp() == before

    def publish(self):
        self.repository.run("publish")

    def follows(self, client=None, **options):
        """The client takes what is published, without a word."""
        verdict = (client or self.client).check(self.site.host, "--json", connect=self.site.address, **options)
        assert (verdict.returncode, verdict.stderr) == (0, ""), verdict.all
        assert verdict.json["freshness"] == "fresh", verdict.all
        return verdict.json

    def root(self):
        return self.repository.run("root", "list", "--json").json

    def healthy(self):
        return json.loads(self.server.get("/healthz")[2])["status"] == "ok"


@pytest.fixture
def world(backend, team_repository, pintled, install, host, tmp_path):
    site = backend.serve(host)
    team_repository.pin(host, site.key)
    team_repository.sign_and_publish()
    server = pintled(team_repository, "--resign-every", "1")
    made = World(team_repository, site, server, install(team_repository, server.url), tmp_path)
    made.follows()
    return made


def test_people_come_and_go_and_every_client_follows(world, install):
    away = install(world.repository, world.server.url)
    world.follows(away)
    repository = world.repository

    repository.run("root", "add", world.key("dave"))
    world.lacks("root: 0 of 2 signatures of the old keys and 0 of 2 of the new ones")
    world.sign("alice", "dave")
    world.lacks("root: 1 of 2 signatures of the old keys and 2 of 2 of the new ones")
    world.sign("bob")
    world.publish()
    world.follows()

    repository.run("root", "threshold", "3")
    world.sign("alice", "bob")
    world.lacks("2 of 3 of the new ones")
    world.sign("dave")
    world.publish()
    world.follows()

    repository.run("root", "rotate", "--old", world.key("carol"), "--new", world.key("erin"))
    world.sign("alice", "bob", "erin")
    world.lacks("root: 2 of 3 signatures of the old keys and 3 of 3 of the new ones")
    world.sign("dave")
    world.publish()
    world.follows()

    repository.run("root", "threshold", "2")
    repository.run("root", "remove", world.key("dave"))
    world.sign("alice", "bob")
    world.lacks("root: 2 of 3 signatures of the old keys and 2 of 2 of the new ones")
    world.sign("erin")
    world.publish()
    world.follows()

    repository.run("root", "renew")
    world.lacks("root: 0 of 2 signatures")
    world.sign("alice", "erin")
    world.publish()
    world.follows()

    world.follows(away)  # it was away for five roots
    listed = world.root()
    assert listed["root_version"] == 6
    (role,) = [role for role in listed["roles"] if role["role"] == "root"]
    assert (role["threshold"], role["keys"]) == (2, 3)
    wait_for("health", world.healthy, explain=world.server.process.output)
    assert " error " not in world.server.process.output()
    assert pintle("verify", world.server.url, "--roots", world.client.roots).returncode == 0


def test_targets_keys_are_replaced_and_sign_the_charter_again(world):
    world.repository.run("root", "rotate", "--role", "targets", "--old", world.key("carol", "targets"), "--new",
                         world.key("dave", "targets"))
    world.sign("alice", "bob")
    world.lacks("targets: 0 of 2 signatures")
    world.sign("alice", "dave", role="targets")
    world.publish()
    before = world.follows()
    refused = world.repository.try_run("sign", "--key", world.key("carol", "targets"))
    assert refused.returncode == 65, refused.all
    world.repository.run("charter", "renew")
    world.lacks("targets: 0 of 2 signatures")
    world.sign("bob", "dave", role="targets")
    world.publish()
    assert world.follows()["charter_version"] == before["charter_version"], "its content is what it was"


def test_online_keys_are_replaced_in_an_emergency(world, pintled, install, tmp_path):
    repository, server = world.repository, world.server
    away = install(repository, server.url)
    world.follows(away)
    stolen = shutil.copytree(repository.keys, tmp_path / "stolen")
    repository.run("root", "rotate", "--online")
    world.lacks("root: 0 of 2 signatures")
    assert server.get("/healthz")[0] == 200  # until it is published nothing has changed for anybody
    world.sign("bob", "carol")
    world.publish()
    assert repository.timestamp()["signed"]["version"] == 1
    assert sorted(path.name for path in (repository.keys / "retired").iterdir()) == ["snapshot.pem", "timestamp.pem"]
    world.follows()
    world.follows(away)

    wait_for("pintled to say which keys it lacks", lambda: "restart" in server.process.output(),
             explain=server.process.output)
    keyids = [key["keyid"][:16] for key in world.root()["keys"] if key["role"] in ("timestamp", "snapshot")]
    said = [line for line in server.process.output().splitlines() if " error " in line][-1]
    assert any(keyid in said for keyid in keyids), said
    assert json.loads(server.get("/healthz")[2])["status"] == "degraded"
    server.stop()

    with_old_keys = pintled(repository, "--keys", stolen, data=tmp_path / "elsewhere")
    assert "NOTHING WILL BE RE-SIGNED" in with_old_keys.process.output()
    assert any(keyid in with_old_keys.process.output() for keyid in keyids), with_old_keys.process.output()
    with_old_keys.stop()

    later = clock("+40h")
    server = pintled(repository, "--listen", server.url.removeprefix("http://"), data=server.data, env=later)
    wait_for("a renewal by the new keys", lambda: repository.timestamp()["signed"]["version"] > 1,
             explain=server.process.output)
    world.follows(env=later)
    assert json.loads(server.get("/healthz")[2])["status"] == "ok"


def test_the_key_of_a_zone_is_replaced(world, tmp_path):
    repository = world.repository
    old = shutil.copy(repository.keys / "zone-main.pem", tmp_path / "old.pem")
    before = world.follows()
    repository.run("zone", "rotate", "main")
    world.lacks("targets: 0 of 2 signatures")
    world.sign("alice", "carol", role="targets")
    world.publish()
    assert world.follows()["zone_version"] == before["zone_version"]
    repository.run("zone", "renew", "main")
    refused = repository.try_run("sign", "--key", old)
    assert refused.returncode == 65 and "may sign" in refused.stderr, refused.all
    world.publish()
    world.follows()
    wait_for("health", world.healthy, explain=world.server.process.output)


def test_new_keys_alone_make_no_root(world):
    for old, new in (("alice", "dave"), ("bob", "erin"), ("carol", "frank")):
        world.repository.run("root", "rotate", "--old", world.key(old), "--new", world.key(new))
    world.sign("dave", "erin", "frank")
    world.lacks("root: 0 of 2 signatures of the old keys and 3 of 2 of the new ones; sign it with `pintle sign --key")
    world.sign("alice", "carol")
    world.publish()
    world.follows()


@pytest.mark.parametrize("words, code, text", [
    (["root", "remove", "{root}"], 65, "root needs 1 of its 1 keys, so none can go: replace it with"),
    (["root", "threshold", "0"], 65, "found 0"),
    (["root", "threshold", "2"], 65, "add keys first with `pintle root add FILE"),
    (["root", "threshold", "two"], 64, "expected a number of keys"),
    (["root", "add", "{root}"], 65, "may sign root already"),
    (["root", "add", "{timestamp}"], 65, "root and targets keys stay offline"),
    (["root", "add", "{root}", "--role", "snapshot"], 65, "root and targets keys stay offline"),
    (["root", "add", "{zone}", "--role", "targets"], 65, "signs zone main"),
    (["root", "add", "{missing}"], 73, "missing.pem"),
    (["root", "remove", "0123456789abcdef"], 65, "found 0; see `pintle root list`"),
    (["root", "remove", "{timestamp}"], 65, "does not sign root; see `pintle root list`"),
    (["root", "remove", "{root}", "--role", "zone"], 64, "--role needs root, targets, snapshot or timestamp"),
    (["root", "rotate", "--old", "{root}"], 64, "expected --old KEY with --new KEY, or --online"),
    (["root", "rotate", "--online", "--old", "{root}"], 64, "give it alone"),
    (["root", "rotate", "--old", "{root}", "--new", "{root}"], 65, "may sign root already"),
    (["zone", "rotate", "nowhere"], 65, "nowhere"),
])
def test_what_is_refused_says_what_to_do(repository, words, code, text):
    files = {"root": repository.keys / "root-1.pem", "timestamp": repository.keys / "timestamp.pem",
             "zone": repository.keys / "zone-main.pem", "missing": repository.keys / "missing.pem"}
    before = repository.run("root", "list", "--json").json
    refused = repository.try_run(*(word.format(**files) for word in words))
    assert refused.returncode == code, refused.all
    assert text in refused.stderr, refused.all
    assert repository.run("root", "list", "--json").json == before


def test_a_removed_key_never_returns(repository, tmp_path):
    old = shutil.copy(repository.keys / "root-1.pem", tmp_path / "old.pem")
    new = tmp_path / "new.pem"
    pintle_ok("key", "new", new)
    repository.run("root", "rotate", "--old", old, "--new", new)
    repository.run("publish", "--key", new)
    refused = repository.try_run("root", "add", old)
    assert refused.returncode == 65, refused.all
    assert "was removed by an earlier root, and a removed key never returns" in refused.stderr


def test_a_clock_that_was_wrong(tmp_path, backend, install, host):
    """Published under a clock far ahead; the right clock is behind it, and says so only when asked to go on."""
    repository = Repository(tmp_path / "pins", env=clock("+10d"))
    site = backend.serve(host)
    repository.pin(host, site.key)
    refused = repository.try_run("publish")
    assert refused.returncode == 65 and "pintle publish --clock-is-right" in refused.stderr, refused.all
    repository.run("publish", "--clock-is-right")
    client = install(repository, backend.nginx.serve_directory(repository.public))
    assert client.verdict(host, connect=site.address)["freshness"] == "fresh"
