# SPDX-License-Identifier: Apache-2.0
"""What somebody can do who has stolen private keys and owns the way to the client.

A thief starts from a copy of what is public, edits charter, zones or metadata, and signs whatever the stolen keys may
sign: that, and no more.  The result is a complete repository that any web server can offer to a client.  The tool knows
nothing of Pintle's own code: it speaks the published formats, with Python's library and the openssl command.
"""

import base64
import copy
import datetime
import hashlib
import json
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

MAGIC = b"PNTL0001"


# ---- containers: head and body ----

def read_container(data):
    """The entries of a container file, in order."""
    if data[:8] != MAGIC:
        raise ValueError("not a container")
    (count,), at, entries = struct.unpack(">I", data[8:12]), 12, {}
    for _ in range(count):
        path_size, size = struct.unpack(">HI", data[at:at + 6])
        path = data[at + 6:at + 6 + path_size].decode()
        entries[path] = data[at + 6 + path_size:at + 6 + path_size + size]
        at += 6 + path_size + size
    return entries


def write_container(entries):
    parts = [MAGIC, struct.pack(">I", len(entries))]
    for path, data in entries.items():
        parts += [struct.pack(">HI", len(path), len(data)), path.encode(), data]
    return b"".join(parts)


# ---- JSON and keys ----

def canonical(value):
    """OLPC canonical JSON, over which TUF signatures are made."""
    if isinstance(value, dict):
        return "{" + ",".join(canonical(key) + ":" + canonical(value[key]) for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return json.dumps(value)


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def meta(data, version=None):
    """How a signed file refers to another one."""
    entry = {"hashes": {"sha256": hashlib.sha256(data).hexdigest()}, "length": len(data)}
    return entry if version is None else {**entry, "version": version}


def openssl(*words, data=None):
    return subprocess.run(["openssl", *map(str, words)], input=data, capture_output=True, check=True).stdout


class StolenKey:
    """A private key file, unencrypted."""

    def __init__(self, path):
        self.path = path
        self.spki = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")

    def is_key(self, key):
        """Is this the key of a TUF key object?"""
        public = key["keyval"]["public"]
        if key["keytype"] == "ed25519":
            return self.spki[-32:] == bytes.fromhex(public)
        return self.spki == base64.b64decode("".join(public.strip().splitlines()[1:-1]))

    def sign(self, key, message):
        if key["keytype"] != "ed25519":
            return openssl("dgst", "-sha256", "-sign", self.path, data=message).hex()
        with tempfile.NamedTemporaryFile() as file:  # pkeyutl signs files only
            file.write(message)
            file.flush()
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", file.name).hex()


# ---- the thief ----

class Thief:
    """Edit .charter, .zones[name] (their "version" rises by itself), .targets or .roles[name] ("signed" parts), then
    publish().  Roles whose content did not change are kept with their good signatures."""

    def __init__(self, public, stolen_keys):
        self.public = Path(public)
        self.keys = [StolenKey(path) for path in stolen_keys]
        self.timestamp = self.read("metadata/timestamp.json")["signed"]
        self.snapshot = self.read_version("snapshot", self.timestamp["meta"]["snapshot.json"])["signed"]
        roots = [path.name for path in (self.public / "metadata").glob("*.root.json")]
        self.root_version = max(int(name.split(".")[0]) for name in roots)
        self.root = self.read(f"metadata/{self.root_version}.root.json")["signed"]
        self.envelopes = {name[:-5]: self.read_version(name[:-5], entry)
                          for name, entry in self.snapshot["meta"].items()}
        self.targets = self.envelopes["targets"]["signed"]
        self.roles = {name: envelope["signed"] for name, envelope in self.envelopes.items() if name != "targets"}
        self.files = {name: self.read_target(name, entry)
                      for role in self.envelopes.values() for name, entry in role["signed"]["targets"].items()}
        self.charter = json.loads(self.files["charter.json"])
        self.zones = {name: json.loads(self.files[f"zones/{name}.json"]) for name in self.roles
                      if f"zones/{name}.json" in self.files}
        self.before = copy.deepcopy((self.charter, self.zones, self.envelopes))

    def read(self, path):
        return json.loads((self.public / path).read_bytes())

    def read_version(self, role, entry):
        return self.read(f"metadata/{entry['version']}.{role}.json")

    def read_target(self, name, entry):
        folder, _, base = name.rpartition("/")
        return (self.public / "targets" / folder / f"{entry['hashes']['sha256']}.{base}").read_bytes()

    def signed_by(self, signed, keyids, keys):
        """An envelope with every signature that the stolen keys can make for a role of these keys."""
        message = canonical(signed).encode()
        signatures = [{"keyid": keyid, "sig": stolen.sign(keys[keyid], message)}
                      for keyid in keyids for stolen in self.keys if stolen.is_key(keys[keyid])]
        return compact({"signed": signed, "signatures": signatures})

    def signed_by_root_role(self, signed, role):
        return self.signed_by(signed, self.root["roles"][role]["keyids"], self.root["keys"])

    def put_file(self, role, name, content, old):
        """A new version of a target file, if it changed."""
        if content != old:
            content["version"] = max(content["version"], old["version"] + 1)
            self.files[name] = compact(content)
            role["targets"][name] = meta(self.files[name])

    def publish(self, to, edit_snapshot=None, edit_timestamp=None):
        """Writes the whole repository to the directory to; edit_snapshot and edit_timestamp may change those."""
        charter, zones, envelopes = self.before
        self.put_file(self.targets, "charter.json", self.charter, charter)
        for name, zone in self.zones.items():
            self.put_file(self.roles[name], f"zones/{name}.json", zone, zones[name])
        written = {}
        delegations = {role["name"]: role for role in self.targets["delegations"]["roles"]}
        for name, envelope in self.envelopes.items():
            signed = envelope["signed"]
            if signed == envelopes[name]["signed"]:
                written[name] = (self.public / "metadata" / f"{signed['version']}.{name}.json").read_bytes()
                continue
            signed["version"] = max(signed["version"], envelopes[name]["signed"]["version"] + 1)
            if name == "targets":
                written[name] = self.signed_by_root_role(signed, "targets")
            else:
                written[name] = self.signed_by(signed, delegations[name]["keyids"],
                                               self.targets["delegations"]["keys"])
        for name, data in written.items():
            self.snapshot["meta"][f"{name}.json"] = meta(data, self.envelopes[name]["signed"]["version"])
        self.snapshot["version"] += 1
        if edit_snapshot:
            edit_snapshot(self.snapshot)
        snapshot = self.signed_by_root_role(self.snapshot, "snapshot")
        now = datetime.datetime.now(datetime.timezone.utc)
        self.timestamp["version"] += 1
        self.timestamp["meta"]["snapshot.json"] = meta(snapshot, self.snapshot["version"])
        self.timestamp["x-pintle-issued"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        if edit_timestamp:
            edit_timestamp(self.timestamp)
        self.write(Path(to), written, snapshot, self.signed_by_root_role(self.timestamp, "timestamp"))
        return to

    def write(self, to, roles, snapshot, timestamp):
        shutil.copytree(self.public, to)
        metadata = to / "metadata"
        for name, data in roles.items():
            (metadata / f"{self.envelopes[name]['signed']['version']}.{name}.json").write_bytes(data)
        (metadata / f"{self.snapshot['version']}.snapshot.json").write_bytes(snapshot)
        (metadata / "timestamp.json").write_bytes(timestamp)
        for name, data in self.files.items():
            folder, _, base = name.rpartition("/")
            (to / "targets" / folder / f"{hashlib.sha256(data).hexdigest()}.{base}").write_bytes(data)
        body = {"snapshot.json": snapshot, "targets.json": roles["targets"],
                "charter.json": self.files["charter.json"]}
        for role in self.targets["delegations"]["roles"]:
            if f"{role['name']}.json" in self.snapshot["meta"]:
                body[f"roles/{role['name']}.json"] = roles[role["name"]]
                body[f"zones/{role['name']}.json"] = self.files[f"zones/{role['name']}.json"]
        (to / "body" / hashlib.sha256(snapshot).hexdigest()).write_bytes(write_container(body))
        for head in (to / "head").iterdir():
            entries = read_container(head.read_bytes())
            head.write_bytes(write_container({**entries, "timestamp.json": timestamp}))


# ---- without any key ----

def alter_timestamp(public, edit):
    """Passes the bytes of timestamp.json through edit, wherever they are served."""
    path = Path(public) / "metadata" / "timestamp.json"
    altered = edit(path.read_bytes())
    path.write_bytes(altered)
    for head in (Path(public) / "head").iterdir():
        head.write_bytes(write_container({**read_container(head.read_bytes()), "timestamp.json": altered}))


def alter_signature(data):
    """Changes one hex digit of the first signature of signed metadata."""
    match = re.search(rb'"sig": ?"[0-9a-f]+', data)
    at = match.end() - 1
    return data[:at] + (b"0" if data[at:at + 1] != b"0" else b"1") + data[at + 1:]


def alter_body(public, edit):
    """Passes the entries of every body through edit."""
    for compressed in (Path(public) / "body").glob("*.gz"):
        compressed.unlink()
    for body in (Path(public) / "body").iterdir():
        entries = read_container(body.read_bytes())
        edit(entries)
        body.write_bytes(write_container(entries))
