# SPDX-License-Identifier: Apache-2.0
"""What the command line says about itself, and how it meets mistakes."""

import re
import shlex
import subprocess

import pytest

from rig.programs import ROOT, binary, pintle

COMMANDS = ["init", "host add", "host release", "host list", "pin add", "pin remove", "pin list", "zone add",
            "zone keys", "zone rotate", "zone remove", "zone renew", "zone list", "charter set", "charter renew", "key new",
            "key link", "key show", "root list", "root add", "root remove", "root rotate", "root threshold", "root renew", "diff", "sign",
            "stage export", "stage import", "stage drop", "publish", "resign", "status", "verify", "probe", "check", "get",
            "doctor", "logfeed"]


def listed_commands():
    text = pintle("help").stdout
    return re.findall(r"^  ([a-z]+(?: [a-z]+)?) +[A-Z]", text, re.M)


def test_help_lists_every_command():
    assert sorted(listed_commands()) == sorted(COMMANDS)
    assert pintle("--help").stdout == pintle("help").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_an_example_that_parses(command, tmp_path):
    words = command.split()
    text = pintle(*words, "--help")
    assert (text.returncode, text.stderr) == (0, "")
    assert text.stdout.startswith(f"usage: pintle {command}")
    assert pintle("help", *words).stdout == text.stdout
    examples = text.stdout.split("example:\n")[1].strip().splitlines()
    assert examples
    for example in examples:
        line = shlex.split(example.split("#")[0])
        assert line[:1 + len(words)] == ["pintle", *words]
        # In an empty directory nothing is there to work on, but the command line itself is right.
        result = pintle(*line[1:], "--help", cwd=tmp_path)
        assert result.returncode == 0, result.all
        if command not in ("probe", "check", "get", "verify", "doctor"):
            assert pintle(*line[1:], cwd=tmp_path).returncode != 64


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_option_is_named(command):
    result = pintle(*command.split(), "--no-such-option")
    assert result.returncode == 64
    assert "--no-such-option" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("words, said", [
    ([], "usage: pintle"),
    (["pubish"], "publish"),
    (["hots", "add"], "there is no command"),
    (["host"], "expected a command"),
    (["host", "ad", "x"], "host add"),
    (["init", "--rep", "x"], "--repo"),
    (["init", "--repo"], "--repo"),
    (["init", "--repo", "a", "--repo", "b"], "twice"),
    (["init", "surplus"], "surplus"),
    (["host", "add"], "expected HOST"),
    (["status", "--json=yes"], "--json"),
    (["sign"], "--key"),
    (["get", "https://a.example/", "--count", "3"], "--every"),
    (["get", "https://a.example/", "--every", "1.5"], "whole number"),
    (["get", "https://a.example/", "--every", "99999999999999999999"], "whole number"),
    (["init", "-x"], "-x"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_command_line(words, said, tmp_path):
    result = pintle(*words, cwd=tmp_path)
    assert result.returncode == 64, result.all
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_exit_codes_are_documented():
    text = pintle("help", "exit-codes").stdout
    assert re.findall(r"^ +(\d+)  ", text, re.M) == ["0", "1", "64", "65", "66", "67", "69", "70", "71", "73"]
    header = (ROOT / "include" / "pintle" / "status.h").read_text()
    statuses = re.findall(r"^    (PINTLE_\w+)", header, re.M)
    assert len(statuses) == 10
    assert sorted(re.findall(r"PINTLE_\w+", text)) == sorted(statuses), "every status has one exit code"


def test_version():
    assert re.fullmatch(r"pintle \d+\.\d+\.\d+\n", pintle("--version").stdout)


def test_help_of_pintled():
    done = subprocess.run([binary("pintled"), "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "example:" in done.stdout
    for words in (["--repo"], ["--data", "x"], ["--no-such"], ["x"], ["--repo", "x", "--data", "y", "--listen", "z"]):
        done = subprocess.run([binary("pintled"), *words], capture_output=True, text=True, check=False)
        assert done.returncode == 64, done.stderr
        assert done.stderr
