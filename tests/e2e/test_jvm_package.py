# SPDX-License-Identifier: Apache-2.0
"""What bindings/jvm/package makes: the files of a Maven repository and an Android library."""

import os
import subprocess
import zipfile

import pytest

from jvm_world import API, HOSTS, OTHER, World
from rig.compiler import compiler_words
from rig.jvm import DEBIAN, SOURCES, Driver, build_directory, compile_java, fetched, java_home, run_java
from rig.programs import ROOT

PACKAGE = ROOT / "bindings" / "jvm" / "package"
KOTLINC = ["kotlin-compiler-embeddable-2.2.21.jar", "kotlin-stdlib-2.2.21.jar", "kotlin-script-runtime-2.2.21.jar",
           "kotlin-reflect-1.6.10.jar", "kotlinx-coroutines-core-jvm-1.8.0.jar", "annotations-13.0.jar"]
PROGUARD = ["proguard-base-7.7.0.jar", "proguard-core-9.1.10.jar", "kotlin-metadata-jvm-2.1.0.jar", "kotlin-stdlib-2.2.21.jar",
            "log4j-api-2.24.2.jar", "log4j-core-2.24.2.jar", "gson-2.11.0.jar", "json-20231013.jar"]


def package(what, out, *words):
    return subprocess.run([PACKAGE, what, "--build", build_directory(), "--out", out, *words], capture_output=True, text=True,
                          check=False)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    out = tmp_path_factory.mktemp("package")
    done = package("jar", out)
    assert done.returncode == 0, done.stdout + done.stderr
    done = package("aar", out)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no native library" in done.stdout
    return out


def the(packaged, pattern):
    found = list(packaged.glob(pattern))
    assert len(found) == 1, (pattern, os.listdir(packaged))
    return found[0]


def names(path):
    with zipfile.ZipFile(path) as opened:
        return set(opened.namelist())


def test_jar_and_its_companions(packaged):
    classes = names(the(packaged, "pintle-[0-9]*[0-9].jar"))
    assert {"io/pintle/PintleClient.class", "io/pintle/PintleOkHttp.class", "io/pintle/PintleHttpClient.class",
            "META-INF/proguard/pintle.pro", "META-INF/MANIFEST.MF"} <= classes
    assert not [name for name in classes if name.startswith(("org/", "android/", "okhttp3/"))]  # the stubs stay at home
    sources = names(the(packaged, "pintle-*-sources.jar"))
    assert {"io/pintle/PintleClient.java", "io/pintle/PintleHttpClient.java", "io/pintle/PintleOkHttp.java"} <= sources
    documented = names(the(packaged, "pintle-*-javadoc.jar"))
    assert "io/pintle/PintleClient.html" in documented and "io/pintle/Native.html" not in documented
    assert "<packaging>aar</packaging>" in the(packaged, "pintle-android-*.pom").read_text()


def test_android_library_has_what_android_has(packaged, tmp_path):
    aar = the(packaged, "pintle-android-*.aar")
    assert {"AndroidManifest.xml", "R.txt", "classes.jar", "proguard.txt"} <= names(aar)
    assert not [name for name in names(aar) if name.startswith("jni/")]
    with zipfile.ZipFile(aar) as opened:
        opened.extractall(tmp_path)
    assert 'android:minSdkVersion="24"' in (tmp_path / "AndroidManifest.xml").read_text()
    classes = names(tmp_path / "classes.jar")
    assert "io/pintle/PintleTrustManager.class" in classes and "io/pintle/Platform.class" in classes
    assert not [name for name in classes if "PintleHttpClient" in name]
    with zipfile.ZipFile(tmp_path / "classes.jar") as opened:
        assert b"X509TrustManagerExtensions" in b"".join(
            opened.read(name) for name in classes if name.startswith("io/pintle/Platform"))
        assert {opened.read(name)[7] for name in classes if name.endswith(".class")} == {52}  # Java 8, as Android wants it
    again = tmp_path / "again"
    assert package("aar", again).returncode == 0
    assert the(again, "pintle-android-*.aar").read_bytes() == aar.read_bytes()


def stand_in(path, *options, exported="JNI_OnLoad"):
    """A library as the NDK makes them, as far as can be seen from outside."""
    source = path.with_suffix(".c")
    source.write_text(f"int {exported}(void *vm, void *reserved);\nint {exported}(void *vm, void *reserved) "
                      "{ return vm == reserved; }\n")
    subprocess.run([compiler_words()[0], "-shared", "-fPIC", "-nostdlib", "-o", path, source, *options], check=True)
    return path


def test_native_library_goes_where_android_looks_for_it(tmp_path):
    library = stand_in(tmp_path / "good.so", "-Wl,-z,max-page-size=16384")
    done = package("aar", tmp_path / "out", "--jni", f"x86_64={library}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "jni/x86_64/libpintle_jni.so" in names(the(tmp_path / "out", "*.aar"))


def test_native_library_that_android_could_not_load_is_refused(tmp_path):
    ours = build_directory() / "lib" / "libpintle_jni.so"
    aligned = ["-Wl,-z,max-page-size=16384"]
    small = stand_in(tmp_path / "small.so", "-Wl,-z,max-page-size=4096")
    other = stand_in(tmp_path / "other.so", *aligned, exported="something")
    for words, why in ((f"x86_64={ours}", "libc.so.6"), (f"arm64-v8a={ours}", "it is for Advanced Micro Devices"),
                       (f"x86_64={small}", "aligned"), (f"x86_64={other}", "JNI_OnLoad"), (f"amd64={ours}", "ABIs")):
        done = package("aar", tmp_path / "out", "--jni", words)
        assert done.returncode != 0 and why in done.stderr, (words, done.stderr)


def test_exports_of_the_native_library():
    done = subprocess.run(["nm", "--dynamic", "--defined-only", build_directory() / "lib" / "libpintle_jni.so"],
                          capture_output=True, text=True, check=True)
    found = {line.split()[-1] for line in done.stdout.splitlines()}
    assert "JNI_OnLoad" in found and found <= {"JNI_OnLoad", "JNI_OnUnload"}, found


@pytest.mark.skipif(not os.environ.get("PINTLE_LONG"), reason="takes long; make test-long runs it")
def test_shrunk_application_still_pins(packaged, tmp_path, authority, root_authority, rogue_authority):
    """ProGuard with the consumer rules of the AAR, over a whole application: what native code finds by name must be left."""
    tool = fetched(*PROGUARD)
    libraries = [DEBIAN / "okhttp.jar", DEBIAN / "okio.jar"]
    jar = the(packaged, "pintle-[0-9]*[0-9].jar")
    classes = compile_java(tmp_path / "classes", sorted((SOURCES / "drive").glob("*.java")), [jar, *libraries])
    shrunk = tmp_path / "shrunk.jar"
    with zipfile.ZipFile(the(packaged, "pintle-android-*.aar")) as aar:
        (tmp_path / "rules").write_bytes(aar.read("proguard.txt"))
    modules = [f"{java_home()}/jmods/{name}.jmod(!**.jar;!module-info.class)" for name in ("java.base", "java.net.http")]
    run_java(tool, "proguard.ProGuard", "-injars", classes, "-injars", jar, "-outjars", shrunk,
             *(word for library in [*modules, *libraries] for word in ("-libraryjars", library)), "-include", tmp_path / "rules",
             "-keep class drive.Main { public static void main(java.lang.String[]); }")
    assert "io/pintle/PintleTrustManager.class" not in names(shrunk)  # it has been renamed: the shrinker did its work
    world = World(tmp_path / "world", authority, root_authority, rogue_authority)
    jvm = Driver(tmp_path / "driver", shrunk, libraries, world.ca, HOSTS, ours=())
    try:
        pins = world.publisher({API: True, OTHER: False})
        client = pins.install(jvm)
        jvm.do("http", http="web", stack="okhttp", client=client)
        assert jvm.do("get", http="web", url=world.url(API))["status"] == "200"
        assert jvm.ask("get", http="web", url=world.url(OTHER))["reason"] == "mismatch"
        assert "mismatch" in jvm.do("events", client=client)["events"]
    finally:
        jvm.stop()
        world.stop()


@pytest.mark.skipif(not os.environ.get("PINTLE_LONG"), reason="takes long; make test-long runs it")
def test_kotlin_extension(tmp_path):
    """`OkHttpClient.Builder().pintle(client)`, against OkHttp 5; and packaged, when it was compiled."""
    compiler = fetched(*KOTLINC)
    use = tmp_path / "Use.kt"
    use.write_text("import io.pintle.PintleClient\nimport io.pintle.pintle\nimport okhttp3.OkHttpClient\n\n"
                   "fun web(client: PintleClient): OkHttpClient = OkHttpClient.Builder().pintle(client).build()\n")
    path = [build_directory() / "jvm" / "pintle.jar", *fetched("okhttp-jvm-5.5.1.jar", "okio-jvm-3.18.1.jar", "kotlin-stdlib-2.2.21.jar")]
    run_java(compiler, "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-reflect", "-no-stdlib", "-Werror", "-jvm-target", "1.8",
             "-module-name", "pintle", "-cp", ":".join(map(str, path)), "-d", tmp_path / "kotlin",
             ROOT / "bindings" / "jvm" / "src" / "okhttp" / "kotlin", use)
    (tmp_path / "kotlin" / "UseKt.class").unlink()
    done = package("aar", tmp_path / "out", "--kotlin", tmp_path / "kotlin")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(the(tmp_path / "out", "*.aar")) as aar:
        aar.extract("classes.jar", tmp_path)
    assert {"io/pintle/PintleOkHttpKt.class", "META-INF/pintle.kotlin_module"} <= names(tmp_path / "classes.jar")
