# SPDX-License-Identifier: Apache-2.0
"""Runs the table of tests/suite: the world that its rows name, and each row over each connector."""

import collections
import io
import json
import os
import shutil

from hostile_tls import HostileTls
from pki import cert_pin, spki_pin
from rig.compiler import option
from rig.connectors import PlainServer, answer_words, path_of
from rig.expectations import CLIENT_WORDS
from rig.jvm import FETCHED
from rig.nginx import Nginx
from rig.process import PortBlock
from rig.programs import Repository
from rig.proxy import Proxy
from rig.switch import Dribble
from scenes import Scenes

OTHER_SERVERS = ("gnutls", "mbedtls", "boringssl")
# What stops before the pins are asked makes no event of the client.
UNASKED = {"undecided", "host_missing", "host_invalid", "validation_failed", "validation_off"}
FINISHED_EARLY = {"undecided", "validation_off"}


def names_of(table):
    """Every host that some row connects to, but for addresses and what has a certificate of its own."""
    hosts = {policy.host for policy in table.policies} | {step.host for row in table.rows for step in row.steps}
    return sorted({host.lower().rstrip(".") for host in hosts if host and not host[0].isdigit()} - {"b.a.tree.test"})


class Pins:
    """The repository: two publications, and for each row a place of its own where a client finds one of them."""

    def __init__(self, directory, nginx, policies, certificates):
        self.directory, self.certificates = directory, certificates
        self.repository = Repository(directory / "pins", "--name", "suite")
        self.places = directory / "places"
        self.places.mkdir()
        self.publish_first(policies)
        self.publish_second([policy for policy in policies
                             if (policy.pins, policy.denials) != (policy.later_pins, policy.later_denials)])
        self.base = nginx.serve_directory(self.places)

    def publish_first(self, policies):
        for mode in ("enforce", "report"):
            for subdomains in (False, True):
                hosts = [policy.host for policy in policies if (policy.mode, policy.subdomains) == (mode, subdomains)]
                if hosts:
                    self.repository.run("host", "add", "--from", "-", "--zone", "main", "--mode", mode,
                                        *(["--subdomains"] if subdomains else []), input="\n".join(hosts) + "\n")
        self.add([(policy.host, pin) for policy in policies for pin in policy.pins])
        self.deny([(policy.host, denial) for policy in policies for denial in policy.denials])
        self.publish(0)
        self.shipped = shutil.copy(self.repository.shipped, self.directory / "shipped")
        self.roots = shutil.copy(self.repository.roots, self.directory / "roots")

    def publish_second(self, policies):
        self.add([(policy.host, pin) for policy in policies for pin in policy.later_pins if pin not in policy.pins])
        for policy in policies:
            for pin in policy.pins:
                if pin not in policy.later_pins:
                    self.repository.run("pin", "remove", policy.host, self.hash_of(pin)[0])
            self.deny([(policy.host, denial) for denial in policy.later_denials])
        self.publish(1)

    def publish(self, number):
        self.repository.publish()
        self.repository.copy_public(self.directory / f"public-{number}")

    def hash_of(self, pin):
        """(hash, of, at) of [cert:]KEY[@WHERE]"""
        key, _, at = pin.partition("@")
        if key.startswith("cert:"):
            return cert_pin(self.certificates[key.removeprefix("cert:")]), "cert", at
        return spki_pin(self.certificates[key]), "spki", at

    def add(self, pins):
        groups = collections.defaultdict(list)
        for host, pin in pins:
            digest, of, at = self.hash_of(pin)
            groups["--of", of, "--at", at].append(f"{host},{digest}\n")
        for words, lines in groups.items():
            self.repository.run("pin", "add", "--from", "-", *words, input="".join(lines))

    def deny(self, denials):
        groups = collections.defaultdict(list)
        for host, denial in denials:
            permanent = denial.startswith("charter:")
            groups[permanent].append(f"{host},{self.hash_of(denial.removeprefix('charter:'))[0]}\n")
        for permanent, lines in groups.items():
            self.repository.run("pin", "add", "--from", "-", "--deny", *(["--permanent"] if permanent else []),
                                input="".join(lines))

    def place(self, name, number=0):
        """The URL of a place, where from now on that publication is found."""
        link, new = self.places / name, self.places / f"{name}.new"
        new.symlink_to(self.directory / f"public-{number}")
        os.replace(new, link)
        return f"{self.base}/{name}"


class World:
    """All servers and the repository, made once."""

    def __init__(self, directory, table):
        self.directory = directory
        self.proxy, self.dribble, self.hostile, self.others = Proxy(), Dribble(None), None, {}
        self.ports = PortBlock()
        self.nginx = Nginx(directory / "nginx", new_port=self.ports.take)
        self.log = io.StringIO()
        try:
            self.scenes = Scenes(directory / "pki", self.nginx, names_of(table))
            self.hostile = HostileTls(self.scenes)
            for name in filter(lambda name: path_of(name, "serve"), OTHER_SERVERS):
                site = self.scenes.sites["chain"]
                self.others[f"{name}-server"] = PlainServer(name, directory, site.chain, site.key)
            self.pins = Pins(directory, self.nginx, table.policies, self.scenes.certificates)
        except BaseException:
            self.stop()
            raise
        self.dribble.target = self.scenes.sites["chain"].address
        self.rows, self.logged = 0, ""
        self.log = open(self.nginx.request_log, encoding="utf-8")  # pylint: disable=consider-using-with

    def port(self, server):
        if server == "dribble":
            return self.dribble.port
        if server in self.others:
            return self.others[server].port
        return self.hostile.port(server) if server in self.hostile.ports else self.scenes.port(server)

    def arrived(self, server, path):
        """What the server had of the application that asked for path: each request, and whether it was early data."""
        if server in self.others:
            return [False for line in self.others[server].requests() if f" {path} " in line]
        if server in self.hostile.ports:
            self.hostile.server.settle()
            return [False for line in self.hostile.server.seen if f" {path} " in line or "before the handshake" in line]
        self.nginx.settle()
        self.logged += self.log.read()
        entries = [json.loads(line) for line in self.logged.splitlines() if f" {path} " in line]
        self.logged = ""  # every path is asked for once, and looked up once
        return [entry["early"] == "1" for entry in entries]

    def stop(self):
        self.log.close()
        self.proxy.stop()
        self.dribble.stop()
        for other in self.others.values():
            other.stop()
        if self.hostile:
            self.hostile.stop()
        self.nginx.stop()
        self.ports.close()


class Cell:
    """One row over one library and version of TLS."""

    def __init__(self, world, connector, library, row, version):
        self.world, self.connector, self.library, self.row, self.version = world, connector, library, row, version
        world.rows += 1
        self.name = f"{library.name}-{version}-{world.rows}"
        self.failures = []
        self.ended = []  # how steps ended that may end in several ways

    def start_client(self):
        """Rows that change nothing share the client of their section: it never refreshes, so nothing changes for it."""
        shared = None if self.row.own_client else self.row.section
        if shared is None or self.connector.serves != shared:
            self.new_client()
        self.connector.serves = shared

    def new_client(self):
        words = [f"{word}={value}" for step in self.row.steps for word, value in step.words.items()
                 if word in CLIENT_WORDS]
        pins = self.world.pins
        self.connector.must(" ".join(["client", f"roots={pins.roots}", f"shipped={pins.shipped}",
                                      f"store={self.world.directory / ('store-' + self.name)}",
                                      f"url={pins.place(self.name)}", *words]))

    def run(self):
        """.failures says what is wrong, as texts; none: the cell is right."""
        self.start_client()
        for number, step in enumerate(self.row.steps, 1):
            if step.action:
                if not self.act(step.action, number):
                    break
            elif not self.connect(step, number):
                break
        return self

    def act(self, action, number):
        """False: it did not work."""
        if action == "publish":
            self.world.pins.place(self.name, 1)
            return True
        answer = self.connector.ask(action)
        if not answer.startswith(("ok", "status=ok ")):
            self.failures.append(f"step {number}: {action}: {answer}")
        return not self.failures

    def order(self, step, path):
        words = {"port": self.world.port(step.server), "path": path, "ca": "both",
                 "min": self.version, "max": self.version,
                 **{word: value for word, value in step.words.items() if word not in CLIENT_WORDS}}
        if step.host:
            words["host"] = step.host
        if words.get("proxy") == "on":
            words["proxy"] = self.world.proxy.port
        words["ca"] = self.world.scenes.trust[words["ca"]]
        return "connect " + " ".join(f"{word}={value}" for word, value in words.items())

    def connect(self, step, number):
        path = f"/{self.name}-{number}"
        asked = len(self.world.proxy.asked)
        line = self.connector.ask(self.order(step, path))
        if line.startswith(("cannot ", "error ")):
            self.failures.append(f"step {number}: {line}; what cannot be tested has to be listed, with its reason")
            return False
        answer = answer_words(line)
        arrived = self.world.arrived(step.server, path)
        wrong = self.judge(step, answer, arrived)
        if step.words.get("proxy") == "on" and len(self.world.proxy.asked) != asked + 1:
            wrong.append(f"the proxy was asked for {self.world.proxy.asked[asked:]}")
        self.failures += [f"step {number}: {what}\n      {line}" for what in wrong]
        return not wrong

    def expected(self, step):
        for key in ((self.library.name, self.version), (self.library.name, None)):
            if key in step.others:
                return step.others[key][0]
        return step.expected

    def judge(self, step, answer, arrived):
        """What is wrong with an answer."""
        expected = self.expected(step)
        fits = [way for way in expected if self.fits(way, answer)]
        if len(expected) > 1:
            self.ended.append(answer["reason"])
        if not fits:
            return [f"expected {' or '.join(map(str, expected))}"]
        times = int(step.words.get("threads", 1)) * int(step.words.get("times", 1))
        accepted, late = answer["status"] == "ok", "late" in fits[0].flags
        checks = {
            "not all came to the same": answer["agree"] == "1",
            "early data was taken": answer["early"] == "0" and not any(arrived),
            f"{len(arrived)} requests arrived": len(arrived) == (times if accepted or late else 0),
        }
        if accepted:
            answered = "0" if "unanswered" in fits[0].flags else "1"
            checks["no answer to the request"] = (answer["finished"], answer["exchanged"]) == ("1", answered)
            checks["another version of TLS"] = answer["tls"] == self.version
        else:
            checks["the library took bytes"] = (answer["sent"] == "0" or late) and answer["exchanged"] == "0"
            checks["the handshake counts as complete"] = (answer["finished"] == "0" or late or
                                                          answer["reason"] in FINISHED_EARLY)
        if "heal" not in step.words:
            # An adapter that reaches its limit before it asks knows no policy, and so no mode.
            unasked = answer["reason"] in UNASKED or (answer["reason"], answer["mode"]) == ("adapter_limit", "none")
            told = not accepted and not unasked and "untold" not in fits[0].flags
            checks["wrong count of refusals told"] = int(answer["refused"]) == told * times
            checks["wrong count of reports told"] = int(answer["reported"]) == (answer["reason"] == "report_only") * times
        return [what for what, right in checks.items() if not right]

    @staticmethod
    def fits(way, answer):
        return ((way.status, way.reason) == (answer["status"], answer["reason"]) and
                (way.index is None or way.index == int(answer["index"])) and
                ("resumed" not in way.flags or answer["resumed"] == "1") and
                ("full" not in way.flags or answer["resumed"] == "0") and
                ("reported" not in way.flags or answer["reported"] != "0"))


def why_missing(library):
    """Why this build has no connector for a library; None if it should have one."""
    if option(library.option) == "OFF":
        return f"{library.option} is off in this build"
    if library.name == "conscrypt" and not (FETCHED / ".made-from").exists():
        return "Conscrypt is not here: tools/setup.sh test fetches it from Maven Central"
    return library.lacks.get("sanitized") if option("PINTLE_SANITIZE") else None


def why_not(world, library, row, version):
    """Why a cell is not tested; None if it is."""
    missing = [step.server for step in row.steps if step.server.endswith("-server") and step.server not in world.others]
    return row.why_not(library, version) or (f"serve_{missing[0].removesuffix('-server')} is not built" if missing else None)


def run_row(world, connector, library, row, versions):
    """{version: cell that was run}; None instead of a cell that is not tested."""
    return {version: None if why_not(world, library, row, version) else Cell(world, connector, library, row, version).run()
            for version in versions}
