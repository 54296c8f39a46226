# SPDX-License-Identifier: Apache-2.0
"""Zones over time: three teams, each with keys of its own, one repository, a pintled that never stops, and a client."""

import base64
import hashlib
import subprocess

import pytest

from rig.clock import clock
from rig.programs import pintle_ok

PAY, SHOP = "pay.example.test", "shop.example.test"


class World:
    """A security team of three, a payments team that signs two of three, a mobile team with one key; their sites."""

    def __init__(self, repository, backend, directory):
        self.repository, self.backend, self.directory = repository, backend, directory
        self.sites = {name: backend.serve(name) for name in (PAY, SHOP)}
        self.client = None

    def key(self, name):
        """A key that somebody keeps elsewhere; the repository is given its public half."""
        path = self.directory / f"{name}.pem"
        if not path.exists():
            pintle_ok("key", "new", path)
            subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-out", path.with_suffix(".pub")], check=True,
                           capture_output=True)
        return path

    def public(self, *names):
        return [word for name in names for word in ("--key", self.key(name).with_suffix(".pub"))]

    def sign(self, *names):
        for name in names:
            self.repository.run("sign", "--key", self.key(name))

    def people(self):
        for key in self.repository.signers[:2]:
            self.repository.run("sign", "--key", key)

    def lacks(self, text, *words):
        before = self.repository.timestamp()
        refused = self.repository.try_run("publish", *words)
        assert refused.returncode == 66, refused.all
        assert text in refused.stderr, refused.all
        assert self.repository.timestamp() == before

    def publish(self, *words):
        return self.repository.run("publish", *words).stdout

    def verdict(self, host, client=None, **options):
        return (client or self.client).verdict(host, connect=self.sites[host].address, **options)

    def follows(self, *hosts, client=None):
        for host in hosts or self.sites:
            verdict = self.verdict(host, client)
            assert (verdict["reason"], verdict["freshness"]) == ("matched", "fresh"), verdict

    def zones(self):
        return {zone["zone"]: zone for zone in self.repository.run("zone", "list", "--json").json["zones"]}

    def staged(self):
        return {change["text"] for change in self.repository.run("diff", "--json").json["changes"]}


@pytest.fixture
def world(backend, team_repository, pintled, install, tmp_path):
    made = World(team_repository, backend, tmp_path)
    repository = made.repository
    repository.run("zone", "add", "payments", *made.public("pay-1", "pay-2", "pay-3"), "--threshold", "2")
    repository.run("zone", "add", "mobile", *made.public("mobile"))
    repository.pin(PAY, made.sites[PAY].key, zone="payments")
    repository.pin(SHOP, made.sites[SHOP].key, zone="mobile")
    made.people()
    made.sign("pay-1", "mobile")
    made.lacks("payments: 1 of 2 signatures")
    made.sign("pay-3")
    made.publish()
    made.server = pintled(repository, "--resign-every", "1")
    made.client = install(repository, made.server.url)
    made.follows()
    return made


def rekey(world, host):
    """The site gets another key; the pin of it is staged, and the old one stays."""
    key, path = world.backend.new_key()
    world.repository.run("pin", "add", host, "--key", path)
    return lambda: world.backend.rekey(world.sites[host], key)


def test_a_team_publishes_alone_while_another_edits(world):
    """The payments team waits for its second signature and the security team is half done: mobile need not wait."""
    before = world.zones()
    serve_other_key = rekey(world, PAY)
    world.sign("pay-2")
    world.repository.run("host", "add", "half.example.test", "--zone", "main")  # enforced, no pin: nobody may sign that
    serve_new_key = rekey(world, SHOP)
    refused = world.repository.try_run("publish", "--key", world.key("mobile"))
    assert refused.returncode == 65 and "half.example.test" in refused.stderr, refused.all
    assert "--only DRAFT takes it alone" in refused.stderr, refused.all
    staged = world.staged()
    assert world.repository.try_run("sign", "--key", world.key("mobile")).returncode == 65
    world.repository.run("sign", "--only", "mobile", "--key", world.key("mobile"))
    said = world.publish("--only", "mobile")
    assert "mobile=2" in said and "payments=1" in said and "the other drafts stay staged" in said, said
    serve_new_key()
    world.follows()
    assert world.staged() == {text for text in staged if not text.startswith(SHOP)}

    world.lacks("payments: 1 of 2 signatures", "--only", "payments")
    world.publish("--only", "payments", "--key", world.key("pay-1"))  # pay-2's signature was kept
    serve_other_key()
    world.follows()
    after = world.zones()
    assert (after["mobile"]["version"], after["payments"]["version"]) == (2, before["payments"]["version"] + 1)
    assert world.staged() == {"half.example.test: host added, zone main, mode enforce"}


def test_a_part_that_needs_another_is_refused(world):
    """What a client would ignore is not published, however it is cut: pins of a host that only the stage lists."""
    world.repository.run("host", "add", "new.example.test", "--zone", "mobile")
    world.repository.run("pin", "add", "new.example.test", "--key", world.sites[SHOP].key)
    refused = world.repository.try_run("publish", "--only", "mobile", "--key", world.key("mobile"))
    assert refused.returncode == 65 and "the charter does not list that host" in refused.stderr, refused.all
    assert "name every draft that belongs to it" in refused.stderr, refused.all
    world.people()
    refused = world.repository.try_run("publish", "--only", "targets")
    assert refused.returncode == 65, refused.all
    assert "new.example.test: enforced without any usable pin" in refused.stderr, refused.all
    world.sign("mobile")
    world.publish("--only", "targets", "--only", "mobile")
    world.follows()


def test_a_zone_is_handed_over_key_by_key(world, install):
    """2 of 3: one leaves, one comes; then all are others.  Versions go on, and nobody who left comes back."""
    away = install(world.repository, world.server.url)
    world.follows(client=away)
    world.repository.run("zone", "keys", "payments", "--add", world.key("pay-4").with_suffix(".pub"), "--remove",
                         world.key("pay-1"))
    world.people()
    world.sign("pay-2")
    world.lacks("payments: 1 of 2 signatures")
    refused = world.repository.try_run("sign", "--key", world.key("pay-1"))
    assert refused.returncode == 65, refused.all
    world.sign("pay-4")
    world.publish()
    world.follows()
    assert world.zones()["payments"]["version"] == 1, "its content is what it was"

    back = world.repository.try_run("zone", "keys", "payments", "--add", world.key("pay-1"))
    assert back.returncode == 65 and "a removed key never returns" in back.stderr, back.all
    other = [word for name in ("other-1", "other-2") for word in ("--add", world.key(name).with_suffix(".pub"))]
    gone = [word for name in ("pay-2", "pay-3", "pay-4") for word in ("--remove", world.key(name))]
    world.repository.run("zone", "keys", "payments", *other, *gone, "--threshold", "2")
    assert [key["signed"] for key in world.repository.run("zone", "keys", "payments", "--json").json["keys"]] == \
        [False, False]
    serve_new_key = rekey(world, PAY)
    world.people()
    world.sign("other-1", "other-2")
    world.publish()
    serve_new_key()
    world.follows()
    world.follows(client=away)
    assert world.verdict(PAY)["zone_version"] == 2


def test_a_stolen_zone_key_is_replaced(world):
    """All keys go; what the old ones signed is nothing any more, and the versions of the zone go on."""
    refused = world.repository.try_run("zone", "rotate", "mobile", *world.public("mobile"))
    assert refused.returncode == 65 and "a removed key never returns" in refused.stderr, refused.all
    world.repository.run("zone", "rotate", "mobile", *world.public("mobile-2"))
    world.people()
    world.sign("mobile-2")
    world.publish()
    world.follows()
    rekey(world, SHOP)
    world.lacks("mobile: 0 of 1 signatures", "--only", "mobile", "--key", world.key("mobile"))


def test_a_zone_is_renamed_and_no_client_notices(world):
    """Added, its hosts moved, the old one withdrawn, in one publication; the snapshot lists the old name for ever."""
    world.repository.run("zone", "add", "shop", *world.public("shop"))
    world.repository.run("host", "add", SHOP, "--zone", "shop")
    world.repository.run("zone", "remove", "mobile")
    assert f"{SHOP}: zone shop, was mobile" in world.staged()
    world.people()
    world.sign("shop")
    world.publish()
    world.follows()
    assert "mobile" not in world.zones()
    snapshots = world.repository.public.glob("metadata/*.snapshot.json")
    newest = max(snapshots, key=lambda path: int(path.name.split(".")[0]))
    assert b'"mobile.json"' in newest.read_bytes()

    # The name comes back, with a key that it had: never; with another: its versions go on.
    back = world.repository.try_run("zone", "add", "mobile", *world.public("mobile"))
    assert back.returncode == 65 and "has signed zone \"mobile\" before" in back.stderr, back.all
    world.repository.run("zone", "add", "mobile", *world.public("mobile-2"))
    world.repository.run("host", "add", SHOP, "--zone", "mobile")
    world.people()
    world.sign("shop", "mobile-2")
    world.publish()
    world.follows()
    assert world.verdict(SHOP)["zone"] == "mobile"


def test_a_zone_withdrawn_by_mistake_is_not_made_anew(world):
    """Its withdrawal is staged only, so it has its keys still: adding it again says so and loses nothing."""
    world.repository.run("host", "release", SHOP)
    world.repository.run("zone", "remove", "mobile")
    again = world.repository.try_run("zone", "add", "mobile", *world.public("mobile"))
    assert again.returncode == 65 and "its withdrawal is staged only" in again.stderr, again.all
    world.repository.run("stage", "drop")
    assert world.zones()["mobile"]["hosts"] == 1
    world.follows()


def test_a_host_moves_between_teams_and_is_pinned_all_the_time(world, watch):
    """A client that polls every second sees the host in one zone or in the other, and never without its pins."""
    running = watch(world.client, f"https://{PAY}/", connect=world.sites[PAY].address)
    running.wait_for_success()
    world.repository.run("host", "add", PAY, "--zone", "mobile")
    world.people()
    world.sign("mobile")
    world.lacks("payments: 0 of 2 signatures")
    world.sign("pay-1", "pay-2")
    world.publish()
    running.wait_for("the move", lambda: world.verdict(PAY)["zone"] == "mobile")
    running.wait_for_success()
    assert running.refused() == 0, running.process.output()
    stranger = world.backend.serve(PAY)  # the right CA, another key
    assert world.client.verdict(PAY, connect=stranger.address)["reason"] == "mismatch"


def test_an_expired_zone_holds_up_nobody(world, pintled, install, tmp_path):
    """A hundred days on payments has not signed: its host is stale, and mobile's team publishes and is followed."""
    world.server.stop()
    later = clock("+100d")
    world.repository.run("publish", env=later)
    serve_new_key = rekey(world, SHOP)
    world.repository.run("publish", "--only", "mobile", "--key", world.key("mobile"), env=later)
    server = pintled(world.repository, data=tmp_path / "later", env=later)
    world.client.urls = [server.url]
    fresh = install(world.repository, server.url)
    for client in (world.client, fresh):
        stale = world.verdict(PAY, client, env=later)
        assert (stale["reason"], stale["freshness"]) == ("matched", "stale"), stale
    serve_new_key()
    for client in (world.client, fresh):
        assert world.verdict(SHOP, client, env=later)["freshness"] == "fresh"
    todo = world.repository.run("status", env=later).stdout
    assert "payments" in todo and "expired" in todo, todo


def test_releases_and_modes(world):
    """A host is watched, enforced again, released, and added again; a client takes each, and refuses nothing."""
    stranger = world.backend.serve(SHOP)

    def publish():
        world.people()
        world.publish("--key", world.key("mobile"))

    def reason(site):
        return world.client.verdict(SHOP, connect=site.address)["reason"]

    world.repository.run("host", "add", SHOP, "--mode", "report")
    publish()
    assert (reason(world.sites[SHOP]), reason(stranger)) == ("matched", "report_only")
    world.repository.run("host", "add", SHOP, "--mode", "enforce")
    publish()
    assert reason(stranger) == "mismatch"
    world.repository.run("host", "release", SHOP)
    publish()
    assert reason(stranger) == "unlisted"
    world.repository.pin(SHOP, world.sites[SHOP].key, zone="mobile")
    publish()
    assert (reason(world.sites[SHOP]), reason(stranger)) == ("matched", "mismatch")


def test_ten_thousand_hosts_in_three_commands(world, tmp_path):
    """Lists on standard input; one bad line and nothing of it is taken."""
    hosts = [f"h{n}.example.test" for n in range(10000)]
    pins = [f"{host},{base64.b64encode(hashlib.sha256(host.encode()).digest()).decode()}" for host in hosts]
    refused = world.repository.try_run("host", "add", "--zone", "mobile", "--from", "-",
                                       input="\n".join(hosts[:9999] + ["*.example.test"]))
    assert refused.returncode == 65 and "line 10000" in refused.stderr, refused.all
    assert world.staged() == set()
    world.repository.run("host", "add", "--zone", "mobile", "--from", "-", input="\n".join(hosts))
    said = world.repository.run("pin", "add", "--from", "-", input="\n".join(pins)).stdout
    assert "10000 of 10000 pins were added" in said
    world.people()
    world.sign("mobile")
    world.publish()
    world.follows()
