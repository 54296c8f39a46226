# SPDX-License-Identifier: Apache-2.0
"""A stage that travels as one file: three people on three machines, and what somebody on the way can do to it."""

import hashlib
import json
import shutil
import subprocess

import pytest

from rig.programs import Repository, pintle, pintle_ok
from thief import alter_signature, read_container, write_container

DRAFT = "stage/metadata/targets.json"


def entries_of(path):
    return read_container(path.read_bytes())


def rewrite(alter):
    """What spoils a stage file: alter(entries) of its container."""
    return lambda stage: stage.write_bytes(write_container(alter(entries_of(stage))))


def change(path, name, alter):
    """alter(bytes) of one entry; None takes it out."""
    entries = entries_of(path)
    entries[name] = alter(entries[name])
    path.write_bytes(write_container({entry: data for entry, data in entries.items() if data is not None}))


def change_json(path, name, alter):
    def altered(data):
        value = json.loads(data)
        alter(value)
        return json.dumps(value, separators=(",", ":")).encode()
    change(path, name, altered)


class Officer:
    """Somebody on a machine of their own: a key, the roots of the day of the ceremony, and what is brought to them."""

    def __init__(self, directory, roots):
        self.directory = directory
        self.roots = shutil.copy(roots, directory / "roots")
        self.key, = directory.glob("targets-*.pem")
        self.root_key, = directory.glob("root-*.pem")

    def receives(self, stage, name="stage"):
        return shutil.copy(stage, self.directory / name)

    def diff(self, stage):
        return pintle("diff", "--stage", stage, "--roots", self.roots, cwd=self.directory)

    def try_sign(self, stage, *keys):
        words = [word for key in keys or [self.key] for word in ("--key", key)]
        return pintle("sign", "--stage", stage, "--roots", self.roots, *words, cwd=self.directory)

    def signs(self, stage, *keys):
        """Receives it, signs it, hands it back."""
        copy = self.receives(stage)
        done = self.try_sign(copy, *keys)
        assert done.returncode == 0, done.all
        return copy


def signers_of(repository, role="targets"):
    draft = repository.directory / "stage" / "metadata" / f"{role}.json"
    return {signature["keyid"] for signature in json.loads(draft.read_text())["signatures"]}


@pytest.fixture
def team(team_repository, backend, host):
    team_repository.pin(host, backend.new_key()[1])
    return team_repository


@pytest.fixture
def people(team, tmp_path):
    return [Officer(tmp_path / name, team.roots) for name in ("alice", "bob", "carol")]


@pytest.fixture
def exported(team, tmp_path):
    team.run("stage", "export", tmp_path / "stage")
    return tmp_path / "stage"


def missing(repository, role="targets"):
    return {row["role"]: row for row in repository.run("status", "--json").json["roles"]}[role]["signatures_missing"]


# ---- the ceremony ----


def test_three_machines(team, people, exported, host):
    alice, bob, _ = people
    shown = alice.diff(alice.receives(exported))
    assert shown.returncode == 0 and f"{host}: host added" in shown.stdout, shown.all
    assert "clients          refuse it without a pinned key in its chain" in shown.stdout
    assert f"mind:\n  {host}: one pin alone" in shown.stdout
    assert "targets version 2, expires" in shown.stdout and "0 of 2 signatures, waiting for 2 of: " in shown.stdout
    from_alice, from_bob = alice.signs(exported), bob.signs(exported)
    assert missing(team) == 2  # nothing comes home by itself
    first = team.run("stage", "import", from_bob)
    assert "taken" in first.stdout and "targets: 1 of 2 signatures, waiting for one of: " in first.stdout
    merged = team.run("stage", "import", from_alice, "--json").json
    assert [(row["outcome"], row["role"]) for row in merged["merged"]] == [("taken", "targets")]
    assert {row["role"]: row["signatures_missing"] for row in merged["drafts"]} == {"targets": 0, "main": 1}
    assert [row["role"] for row in merged["waiting"]] == ["main"]
    team.publish()
    assert pintle("verify", team.directory).returncode == 0


def test_a_new_root_is_signed_elsewhere_by_old_and_new_keys(team, people, exported, tmp_path):
    pintle_ok("key", "new", tmp_path / "dave.pem")
    carol_root = json.loads((team.public / "metadata" / "1.root.json").read_text())["signed"]["roles"]["root"]["keyids"][2]
    team.run("root", "rotate", "--role", "root", "--old", carol_root[:16], "--new", tmp_path / "dave.pem")
    team.run("stage", "export", tmp_path / "root-stage")
    alice, bob, _ = people
    told = team.run("stage", "import", alice.signs(tmp_path / "root-stage", alice.root_key, alice.key)).stdout
    told = " ".join(told.split())
    assert "root: 1 of 2 signatures of the old keys and 1 of 2 of the new ones, waiting for one of the old keys: " in told
    assert "; and for one of the new keys: " in told
    team.run("stage", "import", bob.signs(tmp_path / "root-stage", bob.root_key, bob.key))
    team.publish()
    assert (team.public / "metadata" / "2.root.json").exists()


def test_names_of_keys_travel_with_the_stage(team, people, exported, tmp_path):
    public = team.keys / "bobby.pub"
    subprocess.run(["openssl", "pkey", "-in", people[1].key, "-pubout", "-out", public], check=True)
    team.run("stage", "export", tmp_path / "named")
    shown = pintle("diff", "--stage", tmp_path / "named", "--json").json
    names = {row["keyid"]: (row["name"], row["scheme"]) for row in shown["waiting"] if row["role"] == "targets"}
    assert sorted(name for name, _ in names.values() if name) == ["bobby"]
    assert {scheme for _, scheme in names.values()} == {"P-256"}
    assert "bobby (P-256 " in pintle("status", "--stage", tmp_path / "named").stdout


def test_merging_twice_and_in_any_order(team, people, exported):
    alice, bob, carol = people
    files = [officer.signs(exported) for officer in people]
    for order in ((2, 0, 1), (0, 1, 2)):
        shutil.rmtree(team.directory / "stage" / "metadata")
        (team.directory / "stage" / "metadata").mkdir()
        for name, data in entries_of(exported).items():
            if name.startswith("stage/metadata/"):
                (team.directory / name).write_bytes(data)
        for number in order:
            team.run("stage", "import", files[number])
        before = (team.directory / DRAFT).read_bytes()
        again = team.run("stage", "import", files[order[0]])
        assert "was there already" in again.stdout
        assert (team.directory / DRAFT).read_bytes() == before
        assert len(signers_of(team)) == 3
    # one file that went from one to the next holds them all
    shutil.copy(exported, carol.directory / "round")
    for officer in (alice, bob):
        assert officer.try_sign(carol.directory / "round").returncode == 0
    assert "was there already" in team.run("stage", "import", carol.directory / "round").stdout
    team.publish()


# ---- what somebody on the way does to it ----


def refuse_offline(officer, stage, code, says):
    before = stage.read_bytes()
    for done in (officer.diff(stage), officer.try_sign(stage)):
        assert (done.returncode, done.stdout) == (code, ""), done.all
        assert says in done.stderr and len(done.stderr.splitlines()) == 1, done.all
    assert stage.read_bytes() == before


def test_a_draft_that_does_not_say_what_is_shown(people, exported, host):
    """The officer would read the charter and sign something else."""
    def other_hash(draft):
        draft["signed"]["targets"]["charter.json"]["hashes"]["sha256"] = hashlib.sha256(b"evil").hexdigest()
    stage = people[0].receives(exported)
    change_json(stage, DRAFT, other_hash)
    refuse_offline(people[0], stage, 65, "does not say what the staged content says")


@pytest.mark.parametrize("field, value", [("x-evil", 1), ("spec_version", "1.0.99"), ("version", 3)])
def test_a_draft_with_a_field_that_nobody_is_shown(people, exported, field, value):
    stage = people[0].receives(exported)
    change_json(stage, DRAFT, lambda draft: draft["signed"].update({field: value}))
    refuse_offline(people[0], stage, 65, "does not say what the staged content says")


def test_another_change_signed_on_the_way_is_not_taken(team, people, exported, backend, tmp_path):
    """Whoever carries the file swaps the stage for one of his own, over the same publication."""
    team.run("stage", "export", tmp_path / "honest")
    evil = tmp_path / "evil"
    shutil.copytree(team.directory, evil)
    other = Repository.__new__(Repository)
    other.directory = evil
    other.pin("evil.example.test", backend.new_key()[1])
    other.run("stage", "export", tmp_path / "swapped")
    signed = people[0].signs(tmp_path / "swapped")  # the officer did not look
    before = signers_of(team)
    refused = team.try_run("stage", "import", signed)
    assert (refused.returncode, refused.stdout) == (66, ""), refused.all
    assert "targets: the signatures were made for version 2 (draft " in refused.stderr
    assert "the stage now holds version 2 (draft " in refused.stderr
    assert signers_of(team) == before == set()


def test_a_stage_that_moved_on(team, people, exported, backend):
    signed = people[0].signs(exported)
    team.pin("later.example.test", backend.new_key()[1])
    refused = team.try_run("stage", "import", signed)
    assert refused.returncode == 66 and "export it anew" in refused.stderr, refused.all
    for officer in people[:2]:
        team.run("sign", "--key", officer.key)
    team.publish()
    refused = team.try_run("stage", "import", signed)
    assert refused.returncode == 66, refused.all
    assert "the stage now holds no draft of it, version 2 is published" in refused.stderr


def test_what_fits_is_taken_beside_what_does_not(team, people, exported, backend, host):
    """The officer signed targets; in the meantime only the zone changed."""
    stage = people[0].receives(exported)
    assert people[0].try_sign(stage, people[0].key, team.keys / "zone-main.pem").returncode == 0
    team.run("pin", "add", host, "--key", backend.new_key()[1])
    partly = team.try_run("stage", "import", stage)
    assert partly.returncode == 66 and "main: the signatures were made for version 2" in partly.stderr, partly.all
    assert "targets: 1 of 2 signatures" in partly.stdout and "refused: main:" in partly.stdout
    assert len(signers_of(team)) == 1


def test_signatures_that_are_none(team, people, exported, tmp_path):
    signed = people[0].signs(exported)

    spoilt = shutil.copy(signed, tmp_path / "spoilt")
    change(spoilt, DRAFT, alter_signature)
    refused = team.try_run("stage", "import", spoilt)
    assert (refused.returncode, refused.stdout) == (66, "") and "does not verify over what is staged" in refused.stderr

    foreign = shutil.copy(signed, tmp_path / "foreign")
    change_json(foreign, DRAFT, lambda draft: draft["signatures"][0].update(keyid="ab" * 32))
    refused = team.try_run("stage", "import", foreign)
    assert refused.returncode == 66 and "key abababababababab may not sign it" in refused.stderr, refused.all

    # a good one beside a bad one is taken, and one under another's key id is not
    both = shutil.copy(signed, tmp_path / "both")
    change_json(both, DRAFT, lambda draft: draft["signatures"].insert(
        0, {"keyid": json.loads((team.public / "metadata/1.root.json").read_text())["signed"]["roles"]["targets"][
            "keyids"][1], "sig": draft["signatures"][0]["sig"]}))
    partly = team.try_run("stage", "import", both)
    assert partly.returncode == 66 and "targets: 1 of 2 signatures" in partly.stdout, partly.all
    assert len(signers_of(team)) == 1


def test_a_made_up_repository(team, people, backend, host, tmp_path):
    made_up = Repository(tmp_path / "made-up", "--name", "team-pins")
    made_up.pin(host, backend.new_key()[1])
    made_up.run("stage", "export", tmp_path / "made-up-stage")
    refuse_offline(people[0], tmp_path / "made-up-stage", 66, "root 1 is not the one of the trust anchor given")
    without = pintle("diff", "--stage", tmp_path / "made-up-stage")
    assert without.returncode == 0  # whole in itself; only the officer's roots tell
    assert "repository team-pins by its own word, its root 1 has SHA-256 " in without.stderr


def test_another_repositorys_stage_is_not_merged(team, people, exported, backend, tmp_path):
    other = Repository(tmp_path / "other", "--name", "other-pins")
    other.pin("x.example.test", backend.new_key()[1])
    refused = other.try_run("stage", "import", people[0].signs(exported))
    assert refused.returncode == 66, refused.all
    assert 'expected a stage of repository "other-pins", found one of "team-pins"' in refused.stderr


def test_one_teams_part_of_a_stage_file_is_signed_alone(team, people, exported):
    """The zone's team has its key; whatever else is in the file is not theirs."""
    stage = people[0].receives(exported)
    done = pintle("sign", "--stage", stage, "--roots", people[0].roots, "--key", team.keys / "zone-main.pem", "--json")
    assert done.returncode == 0, done.all
    assert {row["role"]: row["signatures"] for row in done.json["drafts"]} == {"targets": 0, "main": 1}
    assert [row["role"] for row in team.run("stage", "import", stage, "--json").json["merged"]] == ["main"]


def test_an_old_publication_shown_as_the_newest(team, people, exported, tmp_path, backend, host):
    """Nothing offline can tell it but the dates, so these are shown; what is signed over it is worth nothing at home."""
    signed = people[0].signs(exported)
    for officer in people[:2]:
        team.run("sign", "--key", officer.key)
    team.publish()
    team.run("host", "release", host)
    shown = pintle("diff", "--stage", signed, "--roots", people[0].roots)
    assert "compared with what is published:" in shown.stdout and "issued" in shown.stdout
    refused = team.try_run("stage", "import", signed)
    assert refused.returncode == 66 and "made for version 2" in refused.stderr, refused.all
    assert "the stage now holds version 3" in refused.stderr


def test_the_published_part_must_verify(people, exported):
    """A release shown as published long ago: its targets are not signed."""
    stage = people[0].receives(exported)
    change_json(stage, "public/metadata/1.targets.json", lambda draft: draft["signed"].update(expires="2031-01-01T00:00:00Z"))
    refuse_offline(people[0], stage, 65, "is not the file that the metadata list")


FORMS = [
    ("empty", lambda stage: stage.write_bytes(b""), "`pintle stage export` made: "),
    ("cut", lambda stage: stage.write_bytes(stage.read_bytes()[:-1]), "`pintle stage export` made: "),
    ("longer", lambda stage: stage.write_bytes(stage.read_bytes() + b"x"), "1 bytes after the last entry"),
    ("another container", rewrite(lambda entries: {"roots": b""}), "`pintle stage export` made"),
    ("a file too many", rewrite(lambda entries: {**entries, "stage/zones/evil.json": b"{}"}),
     "stage/zones/evil.json in it is not what belongs there"),
    ("a path", rewrite(lambda entries: {"../../etc/passwd": b"x", **entries}),
     "in it is not what belongs there"),
    ("another order", rewrite(lambda entries: dict(reversed(entries.items()))), "in it is not what belongs"),
    ("no draft", lambda stage: change(stage, DRAFT, lambda data: None), "is missing in it"),
    ("no snapshot", lambda stage: change(stage, "public/metadata/1.snapshot.json", lambda data: None), "is missing"),
    ("no root", lambda stage: change(stage, "public/metadata/1.root.json", lambda data: None), "is missing"),
    ("no JSON", lambda stage: change(stage, DRAFT, lambda data: b"{"), "stage/metadata/targets.json"),
    ("names", lambda stage: change(stage, "names.json", lambda data: b'{"a":"b"}'), "key ids with a name"),
    ("a name with control characters",
     lambda stage: change(stage, "names.json", lambda data: b'{"' + b"ab" * 32 + b'":"\\u001b[31m"}'), "key ids with"),
    ("settings", lambda stage: change(stage, "repository.json", lambda data: data.replace(b"365", b"0")), "repository.json"),
    ("another name", lambda stage: change(stage, "repository.json", lambda data: data.replace(b"team", b"Team")),
     'repository "Team-pins", its root says "team-pins"'),
]


@pytest.mark.parametrize("spoil, says", [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
def test_files_of_another_form(team, people, exported, spoil, says):
    stage = people[0].receives(exported)
    spoil(stage)
    refuse_offline(people[0], stage, 65, says)
    before = {path: path.read_bytes() for path in sorted(team.directory.rglob("*")) if path.is_file()}
    refused = team.try_run("stage", "import", stage)
    assert refused.returncode == 65 and refused.stdout == "" and len(refused.stderr.splitlines()) == 1, refused.all
    assert says in refused.stderr
    assert {path: path.read_bytes() for path in sorted(team.directory.rglob("*")) if path.is_file()} == before


def test_what_cannot_be_signed_is_not_exported(team_repository, tmp_path):
    refused = team_repository.try_run("stage", "export", tmp_path / "nothing")
    assert refused.returncode == 65 and "expected a staged change to export" in refused.stderr, refused.all
    assert not (tmp_path / "nothing").exists()


def test_an_export_overwrites_nothing(team, exported):
    before = exported.read_bytes()
    refused = team.try_run("stage", "export", exported)
    assert refused.returncode == 73 and "expected a name that is free" in refused.stderr, refused.all
    assert exported.read_bytes() == before


def test_a_stage_file_holds_no_key(team, exported):
    assert b"PRIVATE KEY" not in exported.read_bytes()
