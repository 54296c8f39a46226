# SPDX-License-Identifier: Apache-2.0
"""Reads tests/suite/expectations; what the notation means stands in tests/suite/README.md."""

import dataclasses
import re

from .programs import ROOT

CLIENT_WORDS = ("unlisted", "require")  # of the client, not of a connection
TABLE = ROOT / "tests" / "suite" / "expectations"
VERSIONS = ("1.2", "1.3")
FLAGS = ("resumed", "full", "reported", "late", "unanswered", "untold")


@dataclasses.dataclass
class Policy:
    """One host.  pins and denials are lists of words; later: those of the second publication, if they differ."""
    host: str
    mode: str
    subdomains: bool
    pins: list
    denials: list
    later_pins: list
    later_denials: list


@dataclasses.dataclass
class Expected:
    """One way in which a step may end."""
    status: str
    reason: str
    index: int = None
    flags: tuple = ()

    def __str__(self):
        where = f" at {self.index}" if self.index is not None else ""
        return " ".join([self.status, self.reason]) + where + "".join(f" {flag}" for flag in self.flags)


@dataclasses.dataclass
class Step:
    """A connection, or, with an action, something that happens in between."""
    server: str = ""
    host: str = ""
    words: dict = dataclasses.field(default_factory=dict)
    expected: list = dataclasses.field(default_factory=list)
    action: str = ""
    others: dict = dataclasses.field(default_factory=dict)  # (library, version or None): (expected, reason)


@dataclasses.dataclass
class Row:
    """One line of the printed table."""
    section: str
    name: str
    versions: tuple
    steps: list
    not_tested: dict = dataclasses.field(default_factory=dict)  # (library, version or None): reason

    @property
    def own_client(self):
        """Does it need a client that no other row has used?"""
        return any(step.action or {*CLIENT_WORDS, "session", "heal", "early"} & set(step.words) for step in self.steps)

    def why_not(self, library, version):
        """Why this cell is not tested; None if it is."""
        for key in ((library.name, version), (library.name, None)):
            if key in self.not_tested:
                return self.not_tested[key]
        return library.lacks.get(version)

    def notes(self, library, version):
        """Why this library may answer otherwise than the rest, where it may."""
        return [step.others[key][1] for step in self.steps for key in ((library.name, version), (library.name, None))
                if key in step.others]


@dataclasses.dataclass
class Library:
    """One column, and the CMake option that builds it."""
    name: str
    option: str
    lacks: dict = dataclasses.field(default_factory=dict)  # version of TLS, or "sanitized": reason
    sampled: bool = False  # a quick run takes one version of TLS for each row


@dataclasses.dataclass
class Table:
    """All of it."""
    libraries: list
    policies: list
    rows: list
    sampled: set  # sections of which a quick run takes one version of TLS for each row and library

    def sections(self):
        return list(dict.fromkeys(row.section for row in self.rows))

    def section(self, name):
        return [row for row in self.rows if row.section == name]

    def versions(self, row, library, quick=False):
        """Those of a row that are run; quick: alternately, so that each row sees both over the libraries."""
        if not quick or not (library.sampled or row.section in self.sampled) or len(row.versions) == 1:
            return row.versions
        turn = self.rows.index(row) + self.libraries.index(library)
        return (row.versions[turn % 2],) if not set(VERSIONS) & set(library.lacks) else row.versions


def read_expected(text):
    """STATUS REASON [at N] [FLAG...] [or ...]"""
    ways = []
    for way in text.split(" or "):
        words = way.split()
        at = int(words.pop(words.index("at") + 1)) if "at" in words else None
        flags = tuple(word for word in words[2:] if word != "at")
        if len(words) < 2 or set(flags) - set(FLAGS):
            raise ValueError(f"what is expected by {text!r}?")
        ways.append(Expected(words[0], words[1], at, flags))
    return ways


def split_pins(text):
    """Pins before "deny", denials after it."""
    words = text.split()
    cut = words.index("deny") if "deny" in words else len(words)
    return words[:cut], words[cut + 1:]


def read_policy(text):
    host, mode, pins, rest = [cell.strip() for cell in text.split("|")]
    now = later = None
    if rest.startswith("after "):
        now, later = (pins.split(), []), split_pins(rest.removeprefix("after "))
    else:
        now = later = (pins.split(), rest.split())
    return Policy(host, mode.split()[0], "subdomains" in mode, *now, *later)


def read_steps(cells):
    """Several hosts are several steps, each with what is expected of it."""
    if len(cells) == 1:
        return [Step(action=cells[0])]
    server, hosts, words, expected = cells
    hosts, ends = hosts.split() or [""], expected.split(";")
    if len(hosts) != len(ends):
        raise ValueError(f"{len(hosts)} hosts and {len(ends)} ends")
    words = dict(word.split("=", 1) for word in words.split())
    return [Step(server, host, words, read_expected(end)) for host, end in zip(hosts, ends)]


class Reader:
    """Line by line."""

    def __init__(self):
        self.table = Table([], [], [], set())
        self.section = ""
        self.defined = {}

    def exception(self, mark, text):
        """Below a library: "- WHAT: REASON".  Below a step: "- LIBRARY [VERSION]: REASON", "! ... EXPECTED: REASON"."""
        head, colon, reason = text.partition(": ")
        if not colon or not reason.strip():
            raise ValueError(f"no reason is given: {text!r}")
        if not self.section:
            self.table.libraries[-1].lacks[head] = reason
            return
        names, version, expected = re.fullmatch(r"(\S+)(?: (1\.[23]))?(?: (.*))?", head).groups()
        for name in names.split(","):
            if name not in [library.name for library in self.table.libraries]:
                raise ValueError(f"no such library: {name!r}")
            if mark == "-":
                self.table.rows[-1].not_tested[name, version] = reason
            else:
                self.table.rows[-1].steps[-1].others[name, version] = (read_expected(expected), reason)

    def expand(self, line):
        """Puts in what was defined, the last column alone."""
        cells, bar, last = line.rpartition("|")
        for word, meaning in reversed(self.defined.items()):
            last = re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", meaning, last)
        return cells + bar + last

    def row(self, line):
        name, *cells = [cell.strip() for cell in self.expand(line).split("|")]
        if name == "then":
            self.table.rows[-1].steps += read_steps(cells)
            return
        only = re.search(r" \((1\.[23])\)$", name)
        versions = (only.group(1),) if only else VERSIONS
        self.table.rows.append(Row(self.section, name, versions, read_steps(cells)))

    def line(self, line):
        word, _, rest = line.strip().partition(" ")
        if not word or word.startswith("#"):
            return
        if word == "section":
            self.section = rest.strip()
        elif word == "library":
            self.table.libraries.append(Library(*rest.split()))
        elif word == "sampled":
            if self.section:
                self.table.sampled.add(self.section)
            else:
                self.table.libraries[-1].sampled = True
        elif word == "define":
            name, _, meaning = rest.partition("=")
            self.defined[name.strip()] = meaning.strip()
        elif word == "policy":
            self.table.policies.append(read_policy(rest))
        elif word in "-!":
            self.exception(word, rest)
        else:
            self.row(line)


def read_table(path=TABLE):
    reader = Reader()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            reader.line(line)
        except (ValueError, IndexError, AttributeError) as error:
            raise ValueError(f"{path}:{number}: {error}") from error
    return reader.table
