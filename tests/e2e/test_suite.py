# SPDX-License-Identifier: Apache-2.0
"""The one suite over all adapters: every section of tests/suite/expectations over every connector."""

import os

import pytest

from rig.connectors import Connector, path_of
from rig.expectations import read_table
from suite import World, run_row, why_missing

TABLE = read_table()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("suite"), TABLE)
    yield world
    world.stop()


@pytest.fixture(scope="module")
def connector(world):
    """connector(name): started once, ended at the end."""
    running = {}

    def get(name):
        if name not in running:
            running[name] = Connector(name, world.directory)
        return running[name]

    yield get
    for application in running.values():
        application.end()


@pytest.mark.parametrize("section", TABLE.sections())
@pytest.mark.parametrize("library", TABLE.libraries, ids=lambda library: library.name)
def test_section(world, connector, library, section):
    if path_of(library.name) is None and why_missing(library):
        pytest.skip(why_missing(library))
    found = []
    for row in TABLE.section(section):
        versions = TABLE.versions(row, library, quick=not os.environ.get("PINTLE_LONG"))
        for version, cell in run_row(world, connector(library.name), library, row, versions).items():
            found += [f"{row.name}, TLS {version}: {failure}" for failure in (cell.failures if cell else ())]
    assert not found, f"{len(found)} findings\n" + "\n".join(found)
