# SPDX-License-Identifier: Apache-2.0
"""What a Java programmer reads compiles, and the example runs: docs/guides/jvm.md, examples/java."""

import os
import re

from rig.jvm import JVM_OPTIONS, build_directory, class_path, compile_java
from rig.markdown import blocks
from rig.process import program
from rig.programs import ROOT
from test_examples import matches_heals_refuses, shop  # noqa: F401, a fixture

GUIDE = ROOT / "docs" / "guides" / "jvm.md"


def test_guide_compiles(tmp_path):
    """Each block is a file, named in its first line; the one in Kotlin calls what test_jvm_package compiles."""
    sources, classes = tmp_path / "src", tmp_path / "classes"
    sources.mkdir()
    classes.mkdir()
    text = GUIDE.read_text()
    for block in blocks(text, "java"):
        (sources / re.match(r"// (\w+\.java)\n", block.text)[1]).write_text(block.text)
    compile_java(classes, sorted(sources.iterdir()), [build_directory() / "jvm" / "pintle.jar", *class_path("3")])
    assert {path.stem for path in classes.iterdir()} == {
        "Pins", "WithOkHttp", "WithUrlConnection", "WithHttpClient", "WithContext"}
    kotlin, extension = blocks(text, "kotlin"), (ROOT / "bindings/jvm/src/okhttp/kotlin/io/pintle/PintleOkHttp.kt").read_text()
    assert len(kotlin) == 1 and ".pintle(client)" in kotlin[0].text and "fun OkHttpClient.Builder.pintle(" in extension


def test_example(shop, tmp_path, backend, repository, rogue_authority, host):  # noqa: F811
    build = build_directory()
    (tmp_path / "classes").mkdir()
    classes = compile_java(tmp_path / "classes", [ROOT / "examples/java/Example.java"], [build / "jvm" / "pintle.jar"])
    script = tmp_path / "example-java"
    script.write_text(f'#!/bin/sh\nexec {program("java")} {" ".join(JVM_OPTIONS)} -Xcheck:jni -Djava.library.path={build}/lib '
                      f'-cp {classes}:{build}/jvm/pintle.jar Example "$@"\n')
    script.chmod(0o755)
    matches_heals_refuses(script, dict(os.environ), shop, tmp_path, backend, repository, rogue_authority, host)
