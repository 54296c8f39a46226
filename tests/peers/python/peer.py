#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""python-tuf behind the command line that every peer of the interoperability tests has (tests/peers/README.md)."""

import argparse
import datetime
import json
import pathlib
import shutil
import statistics
import sys
import time

from securesystemslib.signer import CryptoSigner, Key
from tuf.api.metadata import (DelegatedRole, Delegations, Metadata, MetaFile, Root, Snapshot, TargetFile, Targets,
                              Timestamp)
from tuf.api.serialization.json import JSONSerializer
from tuf.ngclient import Updater

TOP = ("root", "timestamp", "snapshot", "targets")
EXPIRES = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)).replace(microsecond=0)


# ---- client

def update(options):
    """One refresh, and the downloads that were asked for."""
    updater = Updater(options.metadata_dir, options.metadata_url, options.target_dir, options.target_base_url)
    updater.refresh()
    if options.command == "download":
        pathlib.Path(options.target_dir).mkdir(parents=True, exist_ok=True)
    for name in options.target_name if options.command == "download" else ():
        info = updater.get_targetinfo(name)
        if info is None:
            raise LookupError(f"{name} is not in the repository")
        if updater.find_cached_target(info) is None:
            updater.download_target(info)


def measure(options):
    """Microseconds of the best and the median update, each from the root alone or, with --kept, from what is there."""
    directory, taken = pathlib.Path(options.metadata_dir), []
    root = (directory / "root.json").read_bytes()
    for _ in range(options.times):
        if not options.kept:
            for stale in filter(None, (options.metadata_dir, options.target_dir)):
                shutil.rmtree(stale, ignore_errors=True)
            directory.mkdir()
            (directory / "root.json").write_bytes(root)
        start = time.perf_counter_ns()
        update(options)
        taken.append((time.perf_counter_ns() - start) // 1000)
    print(min(taken), int(statistics.median(taken)))


# ---- repository

def new_signer(kind):
    if kind != "ecdsa-sha2-nistp256":
        return getattr(CryptoSigner, f"generate_{kind}")()
    signer = CryptoSigner.generate_ecdsa()
    renamed = {**signer.public_key.to_dict(), "keytype": kind}
    return CryptoSigner(signer._private_key, Key.from_dict(signer.public_key.keyid, renamed))


class Repository:
    """What a plan says, signed."""

    def __init__(self, plan):
        self.plan, self.files, self.signers = plan, {}, {}
        fields = {"version": 1, "expires": EXPIRES, "unrecognized_fields": dict(plan["unknown"])}
        self.roles = {"root": Root(consistent_snapshot=plan["consistent"], **fields),
                      "timestamp": Timestamp(**fields), "snapshot": Snapshot(**fields)}
        for name in plan["roles"]:
            if name not in self.roles:
                self.roles[name] = Targets(**{**fields, "unrecognized_fields": dict(plan["unknown"])})
        for role in plan["delegations"]:
            parent = self.roles[role["by"]]
            if parent.delegations is None:
                parent.delegations = Delegations({}, {})
            parent.delegations.roles[role["name"]] = DelegatedRole(
                role["name"], [], plan["roles"][role["name"]]["threshold"], role["terminating"], role.get("paths"),
                role.get("path_hash_prefixes"))
        for name in plan["roles"]:
            self.new_keys(name)

    def delegator(self, name):
        by = next((role["by"] for role in self.plan["delegations"] if role["name"] == name), "root")
        return self.roles[by]

    def new_keys(self, name):
        """Fresh keys for a role, instead of those it has."""
        delegator, wanted = self.delegator(name), self.plan["roles"][name]
        for signer in self.signers.get(name, ()):
            delegator.revoke_key(signer.public_key.keyid, name)
        self.signers[name] = [new_signer(kind) for kind in wanted["keys"]]
        for signer in self.signers[name]:
            delegator.add_key(signer.public_key, name)
        if name in TOP:
            self.roles["root"].roles[name].threshold = wanted["threshold"]

    def sign(self, name, also=()):
        metadata, version = Metadata(self.roles[name]), self.roles[name].version
        for signer in (*self.signers[name], *also):
            metadata.sign(signer, append=True)
        data = metadata.to_bytes(JSONSerializer(compact=not self.plan["indented"]))
        numbered = name == "root" or self.plan["consistent"] and name != "timestamp"
        self.files[f"metadata/{version}.{name}.json" if numbered else f"metadata/{name}.json"] = data
        return data

    def publish(self, stage):
        snapshot, timestamp = self.roles["snapshot"], self.roles["timestamp"]
        for name, role in self.roles.items():
            if not isinstance(role, Targets):
                continue
            role.version = stage
            for path, text in self.plan["targets"].get(name, {}).items():
                data = f"{text} {stage}".encode()
                role.targets[path] = TargetFile.from_data(path, data, ["sha256"])
                folder, _, base = path.rpartition("/")
                base = f"{role.targets[path].hashes['sha256']}.{base}" if self.plan["consistent"] else base
                self.files["/".join(filter(None, ("targets", folder, base)))] = data
            snapshot.meta[f"{name}.json"] = MetaFile.from_data(stage, self.sign(name), ["sha256"])
        snapshot.version = timestamp.version = stage
        timestamp.snapshot_meta = MetaFile.from_data(stage, self.sign("snapshot"), ["sha256"])
        self.sign("timestamp")

    def rotate(self, name):
        leaving = self.signers[name] if name == "root" else ()
        self.new_keys(name)
        if name in TOP:
            self.roles["root"].version += 1
            self.sign("root", leaving)

    def write(self, directory):
        for path, data in self.files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(data)


def make(plan, directory):
    """One directory a stage: as it was first, and after all rotations."""
    repository = Repository(json.loads(pathlib.Path(plan).read_text()))
    repository.sign("root")
    repository.publish(1)
    repository.write(pathlib.Path(directory, "1"))
    for name in repository.plan["rotate"]:
        repository.rotate(name)
    repository.publish(2)
    repository.write(pathlib.Path(directory, "2"))


def main():
    parser = argparse.ArgumentParser()
    for name in ("metadata-dir", "metadata-url", "target-dir", "target-base-url"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--target-name", action="append", default=[])
    parser.add_argument("--times", type=int)
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("command", choices=["refresh", "download", "make"])
    parser.add_argument("rest", nargs="*")
    options = parser.parse_args()
    try:
        if options.command == "make":
            make(*options.rest)
        elif options.times:
            measure(options)
        else:
            update(options)
    except Exception as error:  # pylint: disable=broad-exception-caught
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
