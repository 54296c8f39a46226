# SPDX-License-Identifier: Apache-2.0
"""The texts that test the strict JSON reader are marked by hand: a reader that is not ours confirms the marks."""

import json
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

VECTORS = Path(__file__).parent.parent / "vectors" / "json" / "rfc8259"


def vectors():
    for line in VECTORS.read_text(encoding="ascii").splitlines():
        if line and not line.startswith("#"):
            verdict, name, text, _ = line.split("\t")
            yield verdict, name, unquote_to_bytes(text)


def refuse(constant):
    raise ValueError(f"{constant} is not RFC 8259")


def is_rfc8259(text):
    try:
        # a reader may ignore the byte order mark that a writer must not write (section 8.1)
        json.loads(text.decode("utf-8").removeprefix("\ufeff"), parse_constant=refuse)
    except ValueError:
        return False
    return True


def test_python_agrees_on_what_is_rfc8259():
    wrong = [name for verdict, name, text in vectors() if is_rfc8259(text) != (verdict in "ys")]
    assert wrong == []


@pytest.mark.parametrize("verdict, least", [("y", 80), ("s", 60), ("n", 280)])
def test_there_are_many_of_each(verdict, least):
    assert sum(found == verdict for found, _, _ in vectors()) >= least
