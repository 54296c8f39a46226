# SPDX-License-Identifier: Apache-2.0
"""Tab in bash and zsh: real shells, on a terminal, with the programs as they are."""

import os
import pty
import shutil
import subprocess

import pytest

from rig.process import wait_for
from rig.programs import ROOT, Repository, binary, clean_environment
from test_cli_help import COMMANDS

COMPLETIONS = ROOT / "completions"
# What tells the test what stands on the line: a key that writes it to a file.
SETUP = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             f"source {COMPLETIONS}/pintle.bash\n"
             "bind -x '\"\\C-xs\": printf %s. \"$READLINE_LINE\" >line.new && mv line.new line'\n"),
    "zsh": (["zsh", "-f", "-i"],
            f"fpath=({COMPLETIONS} $fpath); autoload -Uz compinit; compinit -u -D\n"
            "show() { print -rn -- \"$BUFFER.\" >line.new && mv line.new line }; zle -N show; bindkey '^Xs' show\n"),
}
TYPED = [
    ("pintle pub", "pintle publish "),
    ("pintle pin rem", "pintle pin remove "),
    ("pintle help exi", "pintle help exit-codes "),
    ("pintle help zone ren", "pintle help zone renew "),
    ("pintle --ver", "pintle --version "),
    ("pintle pin add x --perm", "pintle pin add x --permanent "),
    ("pintle init --offl", "pintle init --offline-keys "),
    ("pintle host add x --mode enf", "pintle host add x --mode enforce "),
    ("pintle host add x --mode=rep", "pintle host add x --mode=report "),
    ("pintle pin add x --at iss", "pintle pin add x --at issuer "),
    ("pintle host add x --repo pins --zone pay", "pintle host add x --repo pins --zone payments "),
    ("pintle zone renew --repo pins pay", "pintle zone renew --repo pins payments "),
    ("pintle zone add --repo pins pay", "pintle zone add --repo pins pay"),
    ("pintle host release --repo pins api", "pintle host release --repo pins api.example.test "),
    ("pintle sign --key some-k", "pintle sign --key some-key.pem "),
    ("pintle key show some-k", "pintle key show some-key.pem "),
    ("pintle root add --role ti", "pintle root add --role timestamp "),
    ("pintle root remove some-k", "pintle root remove some-key.pem "),
    ("pintle status --repo pi", "pintle status --repo pins/"),
    ("pintled --resi", "pintled --resign-every "),
    ("pintled --data pi", "pintled --data pins/"),
    ("pintled --repo pi", "pintled --repo pins/"),
    ("pintled back", "pintled backup "),
    ("pintled token rev", "pintled token revoke "),
    ("pintled backup --da", "pintled backup --data "),
    ("pintled restore some-k", "pintled restore some-key.pem "),
    ("pintle nonsense --he", "pintle nonsense --he"),
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A repository with two zones and a host, and a key file."""
    path = tmp_path_factory.mktemp("completion")
    repository = Repository(path / "pins")
    repository.run("zone", "add", "payments")
    repository.run("host", "add", "api.example.test", "--zone", "main")
    (path / "some-key.pem").touch()
    return path


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, name, directory):
        words, setup = SETUP[name]
        self.line = directory / "line"
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe(words[0], words, clean_environment({"PATH": f"{binary('pintle').parent}:{os.environ['PATH']}",
                                                           "TERM": "dumb", "HOME": str(directory)}))
        os.set_blocking(self.terminal, False)
        self.said = b""
        self.type(setup + "echo re'ad'y\n")
        wait_for(f"{name} to be ready", lambda: b"ready" in self.read(), explain=lambda: self.said.decode())

    def read(self):
        try:
            self.said += os.read(self.terminal, 65536)
        except BlockingIOError:
            pass
        return self.said

    def type(self, text):
        os.write(self.terminal, text.encode())

    def tab(self, text):
        """What stands on the line after text and Tab."""
        self.line.unlink(missing_ok=True)
        self.type(text + "\t\x18s\x15")
        wait_for(f"{text!r} to be completed", lambda: (self.read() or True) and self.line.exists(),
                 explain=lambda: self.said.decode(errors="replace"))
        return self.line.read_text()[:-1]

    def end(self):
        self.type("exit\n")
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture(scope="module", params=list(SETUP))
def shell(request, directory):
    running = Shell(request.param, directory)
    yield running
    running.end()


@pytest.mark.parametrize("typed, want", TYPED, ids=[typed for typed, _ in TYPED])
def test_tab(shell, typed, want):
    assert shell.tab(typed) == want, shell.said.decode(errors="replace")


# What each shell offers for the last word, printed.  In zsh the functions that would show it print it.
OFFERS = {
    "bash": f"source {COMPLETIONS}/pintle.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _pintle; "
            "printf '%s\\n' \"${COMPREPLY[@]}\"",
    "zsh": f"fpath=({COMPLETIONS} $fpath); autoload -Uz _pintle; "
           "_describe() { print -rl -- ${${(P)@[-1]}%%:*} }; _values() { shift; print -rl -- $@ }; "
           "compadd() { print -rl -- $@ }; _files() { }; _message() { }; compset() { }; "
           "words=(\"$@\"); CURRENT=$#; PREFIX=$words[-1]; _pintle",
}


def completed(name, *words, program="pintle"):
    flags = ["-f"] if name == "zsh" else ["--norc"]
    done = subprocess.run([name, *flags, "-c", OFFERS[name], name, binary(program), *words], capture_output=True,
                          text=True, check=False, env=clean_environment())
    assert done.stderr == ""
    return set(done.stdout.split())


def options_of(program, *words):
    said = subprocess.run([binary(program), *words, "--help"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in said.splitlines() if line.startswith("  --")}


@pytest.mark.parametrize("name", list(OFFERS))
def test_every_command_is_offered(name):
    assert completed(name, "") >= {command.split()[0] for command in COMMANDS} | {"help", "--help", "--version"}
    assert completed(name, "help", "") >= {command.split()[0] for command in COMMANDS} | {"exit-codes"}
    for first in {command.split()[0] for command in COMMANDS if " " in command}:
        assert completed(name, first, "") >= {command.split()[1] for command in COMMANDS if command.startswith(f"{first} ")}


@pytest.mark.parametrize("name", list(OFFERS))
@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_offered(name, command):
    options = options_of("pintle", *command.split())
    assert completed(name, *command.split(), "--") == options
    assert "--help" in options


@pytest.mark.parametrize("name", list(OFFERS))
@pytest.mark.parametrize("words", [["status", "--repo", "some/where", "--j"], ["status", "--repo=some/where", "--j"],
                                   ["pub/lish", "--"], ["sign", "a.pem", "--k"]], ids=" ".join)
def test_what_stands_before_is_no_pattern(name, words):
    assert completed(name, *words) <= {"--json", "--key"} | options_of("pintle", "status") | options_of("pintle", "sign")


@pytest.mark.parametrize("name", list(OFFERS))
def test_every_option_of_pintled_is_offered(name):
    options = options_of("pintled")
    assert completed(name, "--", program="pintled") == options
    assert {"--repo", "--data", "--version"} <= options


def test_shells_are_there():
    for name in SETUP:
        assert shutil.which(name), f"{name} is not installed; run tools/setup.sh test"
