# SPDX-License-Identifier: Apache-2.0
"""Applications on the JVM, over every HTTP client and TLS provider that the binding serves, against nginx and sslsplit.

One JVM for each version of OkHttp; what Maven Central could not give is skipped, with the reason.
"""

import os

import pytest

from jvm_world import (ADDRESS, API, EXPIRED, HOSTS, OLD, ONE, OTHER, SELF_SIGNED, SOCKET, THIRD, TWO, UNLISTED, WRONG_NAME,
                       World)
from rig.jvm import DEBIAN, SOURCES, Driver, class_path, compile_java, build_directory
from rig.process import wait_for

BUCKET = 4  # refreshes that one host may ask for at once: PTI_HEAL_HOST_TOKENS

# (version of OkHttp on the class path, HTTP client, TLS provider).  What is tested over the others has no reason to differ in
# the rest: that runs over the core only, unless there is time.
OTHERS = [("3", "okhttp", "jdk"), ("3", "urlconnection", "jdk"), ("3", "httpclient", "jdk"), ("4", "okhttp", "conscrypt"),
          ("5", "okhttp", "jdk")]
CORE = [("4", "okhttp", "jdk"), ("5", "okhttp", "conscrypt"), ("5", "urlconnection", "conscrypt"), ("5", "httpclient", "conscrypt")]
if os.environ.get("PINTLE_LONG"):
    OTHERS += CORE


@pytest.fixture(scope="module")
def world(tmp_path_factory, authority, root_authority, rogue_authority):
    made = World(tmp_path_factory.mktemp("jvm"), authority, root_authority, rogue_authority)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    jar = build_directory() / "jvm" / "pintle.jar"
    return compile_java(tmp_path_factory.mktemp("classes"), sorted((SOURCES / "drive").glob("*.java")),
                        [jar, DEBIAN / "okhttp.jar", DEBIAN / "okio.jar"])


@pytest.fixture(scope="module")
def jvm_of(tmp_path_factory, world, classes):
    """jvm_of(version of OkHttp): the JVM with that on its class path."""
    running = {}

    def get(okhttp):
        if okhttp not in running:
            running[okhttp] = Driver(tmp_path_factory.mktemp("driver") / okhttp, classes, class_path(okhttp), world.ca, HOSTS)
        return running[okhttp]

    yield get
    for jvm in running.values():
        jvm.stop()


class Http:
    """One HTTP client of an application; get() asks for a path that nobody else asks for, unless told."""

    def __init__(self, jvm, world, stack, provider):
        self.jvm, self.world, self.stack, self.provider = jvm, world, stack, provider

    def make(self, client, **words):
        """Another one, over a client of ours (None: not pinned)."""
        made = Http(self.jvm, self.world, self.stack, self.provider)
        made.name = self.jvm.name("http")
        provider = None if self.provider == "jdk" else self.provider
        self.jvm.do("http", http=made.name, stack=self.stack, provider=provider,
                    **({"client": client} if client else {"plain": 1}), **words)
        return made

    def get(self, host, path=None, port=None, **words):
        path = path or self.world.path()
        answer = self.jvm.ask("get", http=self.name, url=self.world.url(host, path, port), **words)
        answer.path = path
        answer.arrived = self.world.lines(path)
        return answer

    def fetch(self, host, **words):
        """get() that must succeed."""
        answer = self.get(host, **words)
        assert answer.ok and answer["status"] == "200" and answer["body"] == "hello from the backend", (answer, self.jvm.said())
        assert len(answer.arrived) == 1
        return answer

    def refuse(self, host, reason="mismatch", **words):
        """get() that must be refused, with nothing of the request on the wire."""
        answer = self.get(host, **words)
        assert not answer.ok, answer
        assert answer.get("reason") == reason, (answer, self.jvm.said())
        assert answer.arrived == []
        return answer


def over(*configurations):
    return pytest.mark.parametrize("http", [pytest.param(one, id=f"{one[1]}{one[0] if one[1] == 'okhttp' else ''}-{one[2]}")
                                            for one in configurations], indirect=True)


@pytest.fixture
def http(request, jvm_of, world):
    okhttp, stack, provider = request.param
    return Http(jvm_of(okhttp), world, stack, provider)


everywhere = over(*sorted({*OTHERS, *CORE}))
usually = over(*sorted(OTHERS))
with_jdk = over(*sorted(one for one in OTHERS if one[2] == "jdk" and one[0] == "3"))
with_okhttp = over(*sorted(one for one in OTHERS if one[1] == "okhttp"))


@everywhere
def test_match_is_served_and_a_miss_sends_nothing(http, world):
    pins = world.published({API: True, OTHER: False})
    web = http.make(pins.install(http.jvm))
    assert web.fetch(API).arrived[0]["tls"] == "TLSv1.3"
    refused = web.refuse(OTHER)
    assert refused["verdict"] == "retry" and refused["host"] == OTHER
    assert web.fetch(UNLISTED)["status"] == "200"


@usually
def test_interceptor_under_a_trusted_authority_reads_nothing(http, world):
    pins = world.published({API: True})
    web, careless = http.make(pins.install(http.jvm)), http.make(None)
    answer = web.get(API, port=world.interceptor.port)
    assert not answer.ok and answer["reason"] == "mismatch"
    bare = careless.get(API, port=world.interceptor.port)
    assert bare.ok, bare  # it is trusted, and would have read it
    wait_for("the interceptor to write its log", lambda: bare.path.encode() in world.interceptor.content())
    assert answer.path.encode() not in world.interceptor.content()


@usually
def test_redirect_is_checked_where_it_leads(http, world):
    pins = world.published({OTHER: True, API: False, THIRD: True})
    web = http.make(pins.install(http.jvm))
    closed = http.make(pins.install(http.jvm, unlisted="refuse"))
    for host in (OTHER, UNLISTED):
        world.redirecting(world.url(host, "/after")[:-len("/after")])
        answer = web.get(THIRD)
        assert answer.ok and [entry["host"] for entry in answer.arrived] == [THIRD, host], answer
    refused = closed.get(THIRD)
    assert not refused.ok and refused["reason"] == "unlisted_refused" and [entry["host"] for entry in refused.arrived] == [THIRD]
    world.redirecting(world.url(API, "/after")[:-len("/after")])
    refused = web.get(THIRD)
    assert not refused.ok and refused["reason"] == "mismatch" and refused["host"] == API
    assert {entry["host"] for entry in refused.arrived} == {THIRD}  # perhaps twice: once more after the refresh
    world.redirecting(None)


@everywhere
def test_pooled_connection_and_session_are_not_used_after_a_withdrawal(http, world):
    for host in (API, OLD):
        pins = world.publisher({host: True})
        client = pins.install(http.jvm)
        web = http.make(client)
        web.fetch(host)
        web.fetch(host)
        pins.withdraw(host)
        http.jvm.do("refresh", client=client)
        web.refuse(host)
        web.refuse(host)
        pins.pin(host)
        pins.publish()
        http.jvm.do("refresh", client=client)
        web.fetch(host)


@usually
def test_http2_connection_of_another_host_is_not_borrowed(http, world):
    pins = world.published({ONE: True, TWO: False})
    web = http.make(pins.install(http.jvm))
    web.fetch(ONE)
    web.refuse(TWO)
    web.fetch(ONE)
    both = http.make(world.published({ONE: True, TWO: True}).install(http.jvm))
    both.fetch(ONE)
    both.fetch(TWO)


@with_okhttp
def test_http2_is_still_spoken(http, world):
    web = http.make(world.published({ONE: True}).install(http.jvm))
    assert web.fetch(ONE)["protocol"] == "h2"


@usually
def test_address_in_place_of_a_name(http, world):
    good, bad = (http.make(world.published({ADDRESS: served}).install(http.jvm)) for served in (True, False))
    good.fetch(ADDRESS)
    bad.refuse(ADDRESS)
    strict = http.make(world.published({API: True}).install(http.jvm, require=ADDRESS))
    strict.refuse(ADDRESS, "required_unknown")


@usually
def test_web_socket(http, world):
    if http.stack == "urlconnection":
        pytest.skip("HttpsURLConnection speaks no WebSocket")
    good, bad = (http.make(world.published({SOCKET: served}).install(http.jvm)) for served in (True, False))
    url = world.url(SOCKET).replace("https", "wss")
    text = world.path()
    answer = http.jvm.ask("websocket", http=good.name, url=url, text=text)
    assert answer.ok and answer["said"] == text, answer
    lost = world.path()
    answer = http.jvm.ask("websocket", http=bad.name, url=url, text=lost)
    assert not answer.ok and answer["reason"] == "mismatch", answer
    assert text in world.echo.heard and lost not in world.echo.heard


@usually
@pytest.mark.parametrize("host", [EXPIRED, SELF_SIGNED, WRONG_NAME])
def test_ordinary_validation_still_decides(http, world, host):
    web = http.make(world.published({host: True}).install(http.jvm))
    answer = web.get(host)
    assert not answer.ok and answer.arrived == [], answer
    assert answer.get("reason", "validation_failed") == "validation_failed", answer
    permissive = http.make(world.published({host: True}).install(http.jvm), verifier="permissive")
    answer = permissive.get(host)
    assert not answer.ok and answer.arrived == [], answer


@everywhere
def test_manager_that_trusts_everything_is_found_out(http, world):
    web = http.make(world.published({API: True, SELF_SIGNED: True}).install(http.jvm), trust="all")
    for host, port in ((API, world.interceptor.port), (SELF_SIGNED, None), (UNLISTED, None)):
        answer = web.get(host, port=port)
        assert not answer.ok and answer["reason"] == "validation_off" and answer.arrived == [], answer


@usually
def test_self_healing_makes_one_refresh(http, world):
    pins = world.publisher({API: False})
    client = pins.install(http.jvm)
    healing = http.make(client, heal=1)
    pins.pin(API)
    pins.publish()
    before = len(pins.fetched())
    healing.fetch(API)
    heads = [path for path in pins.fetched()[before:] if path.startswith("head/")]
    assert len(heads) == 1, pins.fetched()
    healing.fetch(API)
    assert len(pins.fetched()[before:]) <= 2


@with_jdk
def test_attacker_cannot_multiply_refreshes(http, world):
    pins = world.publisher({API: True})
    healing = http.make(pins.install(http.jvm), heal=1)
    before = len(pins.fetched())
    for _ in range(BUCKET + 2):
        assert healing.get(API, port=world.interceptor.port)["reason"] == "mismatch"
    assert 1 <= len(pins.fetched()[before:]) <= BUCKET + 1, pins.fetched()  # one more comes every 15 s
    healing.fetch(API)


@usually
def test_header_says_what_is_held(http, world):
    pins = world.publisher({API: True})
    web = http.make(pins.install(http.jvm))
    values = [web.fetch(API).arrived[0]["manifest"] for _ in range(2)]
    assert values == ["charter=2,main=2;d=1;w=1", "charter=2,main=2"]
