# SPDX-License-Identifier: Apache-2.0
"""Transports and stores that an application writes in Java, good and bad, and the end of a client, in a JVM over real servers."""

import pytest

from jvm_world import API, HOSTS, OTHER, World
from rig.jvm import DEBIAN, SOURCES, Driver, build_directory, compile_java, class_path


@pytest.fixture(scope="module")
def world(tmp_path_factory, authority, root_authority, rogue_authority):
    made = World(tmp_path_factory.mktemp("parts"), authority, root_authority, rogue_authority)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def jvm(tmp_path_factory, world):
    classes = compile_java(tmp_path_factory.mktemp("classes"), sorted((SOURCES / "drive").glob("*.java")),
                           [build_directory() / "jvm" / "pintle.jar", DEBIAN / "okhttp.jar", DEBIAN / "okio.jar"])
    running = Driver(tmp_path_factory.mktemp("driver") / "3", classes, class_path("3"), world.ca, HOSTS, options=["-Xmx48m"])
    yield running
    running.stop()


@pytest.fixture
def pins(world):
    return world.published({API: True, OTHER: False})


def client(jvm, pins, **words):
    name = jvm.name("client")
    jvm.do("client", client=name, roots=pins.repository.roots, url=pins.url, **words)
    return name


def get(jvm, world, name, host, **words):
    web = jvm.name("http")
    jvm.do("http", http=web, stack="okhttp", client=name)
    return jvm.ask("get", http=web, url=world.url(host), **words)


def pinned(jvm, world, name):
    assert get(jvm, world, name, API).ok
    assert get(jvm, world, name, OTHER)["reason"] == "mismatch"


# What a transport does, and what the refresh says of it.
BAD = {"io": "network", "unchecked": "network", "error": "network", "null-message": "network", "nothing": "network",
       "garbage": ("network", "input", "trust"), "bounds": "network", "long": "input", "busy": "network"}


def test_bad_transport_costs_no_pins(jvm, world, pins):
    name = client(jvm, pins, transport="good")
    jvm.do("refresh", client=name)
    for how, status in BAD.items():
        jvm.do("behave", client=name, transport=how)
        answer = jvm.ask("refresh", client=name)
        assert not answer.ok and answer["status"] in status, (how, answer)
    late = jvm.ask("late-write", client=name)
    assert not late.ok and "IllegalState" in late["thrown"]
    pinned(jvm, world, name)
    jvm.do("behave", client=name, transport="good")
    jvm.do("refresh", client=name)


def test_bad_store_costs_no_pins(jvm, world, pins):
    name = client(jvm, pins, transport="good")
    jvm.do("refresh", client=name)
    for how in ("io", "unchecked", "error", "null-message"):
        jvm.do("behave", client=name, store=how)
        answer = jvm.ask("refresh", client=name)
        assert not answer.ok and answer["status"] == "storage", (how, answer)
    pinned(jvm, world, name)
    jvm.do("behave", client=name, store="good")
    jvm.do("refresh", client=name)


def test_close_while_a_transfer_hangs_and_pins_outlive_the_client(jvm, world, pins):
    name = client(jvm, pins, transport="good", shipped=pins.repository.shipped)
    web = jvm.name("http")
    jvm.do("http", http=web, stack="okhttp", client=name)
    jvm.do("behave", client=name, transport="hang")
    jvm.do("refresh", client=name, later="hanging", deadline=60000)
    jvm.do("wait-for-transport", client=name)
    jvm.do("close", client=name)
    hung = jvm.ask("later-is", name="hanging")
    assert not hung.ok and hung["status"] == "network", hung
    for order in ("refresh", "info", "header", "start", "error"):
        answer = jvm.ask(order, client=name, host=API)
        assert not answer.ok and "IllegalState" in answer["thrown"], (order, answer)
    jvm.do("close", client=name)
    assert jvm.ask("get", http=web, url=world.url(API)).ok
    assert jvm.ask("get", http=web, url=world.url(OTHER))["reason"] == "mismatch"


def test_many_clients_come_and_go_under_memory_pressure(jvm, world, pins):
    """Native objects hang on Java ones that nobody closes: 48 MB of heap, and a collection now and then."""
    for number in range(8):
        name = client(jvm, pins, transport="good", shipped=pins.repository.shipped)
        pinned(jvm, world, name)
        if number % 3 == 0:
            jvm.do("gc")
        if number % 2:
            jvm.do("close", client=name)
        jvm.do("abandon", client=name)
    jvm.do("gc")


def test_many_threads_while_the_pins_turn(jvm, world):
    pins = world.publisher({API: True, OTHER: False})
    name = pins.install(jvm)
    web = jvm.name("http")
    jvm.do("http", http=web, stack="okhttp", client=name)
    work = [f"thread-{number}" for number in range(8)]
    for job in work:
        jvm.do("get", http=web, url=world.url(API), times=10, later=job)
    for _ in range(5):
        jvm.do("refresh", client=name)
    answers = [jvm.ask("later-is", name=job) for job in work]
    assert all(answer.ok for answer in answers), answers
