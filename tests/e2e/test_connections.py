# SPDX-License-Identifier: Apache-2.0
"""Clients that are slow, greedy or malformed: they are bounded, and others are served all the same."""

import contextlib
import os
import resource
import socket
import time

import pytest

from rig.process import LOOPBACK, wait_for

LONG = bool(os.environ.get("PINTLE_LONG"))
HEAD = b"GET /head/1 HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(server, source=LOOPBACK):
    return socket.create_connection((LOOPBACK, server.port), timeout=20, source_address=(source, 0))


@contextlib.contextmanager
def many(server, count, sources):
    """Connections that say nothing, from several addresses."""
    opened = []
    try:
        for number in range(count):
            opened.append(connect(server, sources[number % len(sources)]))
        yield opened
    finally:
        for one in opened:
            one.close()


def is_served(server, source=LOOPBACK):
    try:
        with connect(server, source) as raw:
            raw.sendall(HEAD)
            return raw.recv(64).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def is_closed(raw):
    """Has the other end closed it, with or without an answer?"""
    raw.setblocking(False)
    try:
        while raw.recv(65536):
            pass
        return True
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("headers, body", [
    ("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    ("Content-Length: 2\r\nContent-Length: 40", "{}"),
    ("Content-Length : 2", "{}"),
])
def test_a_body_whose_end_can_be_read_in_two_ways_is_the_last(repository, pintled, headers, body):
    """A proxy in front may have seen one request where we see two, and have let the second one through unseen."""
    server = pintled(repository)
    with connect(server) as raw:
        raw.sendall(f"POST /v1/reports HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n{body}".encode() + HEAD)
        raw.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: raw.recv(65536), b""))
    assert [line for line in said.splitlines() if line.startswith(b"HTTP/1.1")] == [b"HTTP/1.1 400 Bad Request"], said
    assert is_served(server)


def test_one_source_does_not_take_all(repository, pintled):
    server = pintled(repository, "--connections", "64", "--connections-per-source", "10")
    with many(server, 10, ["127.0.0.2"]):
        assert is_served(server, "127.0.0.3")
        wait_for("the eleventh to be refused", lambda: not is_served(server, "127.0.0.2"))
        assert is_served(server, "127.0.0.3")
    wait_for("room again", lambda: is_served(server, "127.0.0.2"))


def test_those_who_come_when_all_are_taken_are_served_later(repository, pintled):
    server = pintled(repository, "--connections", "16", "--connections-per-source", "1000")
    with many(server, 40, ["127.0.0.2", "127.0.0.3"]):
        with connect(server, "127.0.0.4") as late:
            late.sendall(HEAD)
    wait_for("room again", lambda: is_served(server, "127.0.0.4"))


@pytest.mark.parametrize("said", [
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"a" * 100000 + b"\r\n\r\n",
    b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % number for number in range(20000)) + b"\r\n",
    b"A" * 100000, b"GET /head/1 HTTP/1.1\r\n\r\n", b"GET /head/1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00" + b"\x00" * 600 + b"\r\n\r\n",
    b"GET /head/1 HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"GET /head/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"],
    ids=["huge header", "huge path", "many headers", "no request", "no host", "HTTP/0.9", "TLS", "negative length",
         "huge length", "huge chunk"])
def test_what_is_no_request_is_answered_or_cut(repository, pintled, said):
    server = pintled(repository)
    with connect(server) as raw:
        with contextlib.suppress(ConnectionError):
            raw.sendall(said)
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while part := raw.recv(65536):
                answer += part
    assert answer == b"" or answer.split(b" ")[1][:1] == b"4", answer[:200]
    assert is_served(server)


def test_a_client_that_has_nothing_more_to_say_gets_its_answer(repository, pintled):
    server = pintled(repository)
    with connect(server) as raw:
        raw.sendall(HEAD)
        raw.shutdown(socket.SHUT_WR)
        whole, answer = (repository.public / "head" / "1").read_bytes(), b""
        while not answer.endswith(b"\r\n\r\n" + whole) and (part := raw.recv(65536)):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(whole)


@pytest.mark.skipif(not LONG, reason="takes a minute: PINTLE_LONG=1")
def test_slow_and_half_open_ones_are_cut(repository, pintled):
    """A byte now and then keeps no connection: a request must be whole in 30 s, or something must come in 15 s."""
    server = pintled(repository)
    drip, body, silent, idle = (connect(server) for _ in range(4))
    body.sendall(b"POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n")
    drip.sendall(b"GET /head/1 HTTP/1.1\r\nHost: x\r\nX: ")
    silent.sendall(b"GET /head/1 HTT")
    idle.sendall(HEAD)
    start, ended = time.monotonic(), {}
    while len(ended) < 4 and time.monotonic() - start < 120:
        for name, raw in (("drip", drip), ("body", body), ("silent", silent), ("idle", idle)):
            if name not in ended and is_closed(raw):
                ended[name] = time.monotonic() - start
        for raw in (drip, body):
            with contextlib.suppress(OSError):
                raw.send(b"a")
        assert is_served(server)
        time.sleep(0.5)  # the drip
    assert set(ended) == {"drip", "body", "silent", "idle"}, ended
    assert min(ended["drip"], ended["body"]) > 25, ended
    for raw in (drip, body, silent, idle):
        raw.close()


@pytest.mark.skipif(not LONG, reason="opens 10,000 connections: PINTLE_LONG=1")
def test_ten_thousand_idle_connections(repository, pintled):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 16000:
        pytest.skip(f"no more than {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        server = pintled(repository)
        with many(server, 10000, [f"127.0.0.{number}" for number in range(2, 7)]) as opened:
            status = open(f"/proc/{server.process.pid}/status", encoding="ascii").read()
            resident = int(status.split("VmRSS:")[1].split()[0])
            assert not any(map(is_closed, opened[:2000:50]))
            for number in range(50):
                assert is_served(server, f"127.0.1.{number + 1}")
            assert resident < 400_000, f"{resident} KB"
            print(f"10,000 idle connections: {resident} KB resident")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
