#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tools/setup.sh demo|test|long|full: installs what is missing from Debian 12's packages (as root, or through sudo) and, for
# all but demo, the Python tools of tools/requirements.txt into build/venv and, into build/peers, the other TUF clients
# and the Java libraries that tests talk to (tests/peers).  Running it again does nothing.
#   demo  to build, and to run the demonstration     test  also to run the tests     long  also those of make test-long
#   full  to run the tests, and also lint, bench and packaging
# No system service is started or enabled: packages that would do so are held back while they are installed, and what
# they enabled is disabled again.  Nothing that was installed, running or enabled before is touched.
set -eu
cd "$(dirname "$0")/.."

# One requirement a word: package[|other package or file that will do]...
demo='gcc libc6-dev make cmake ninja-build pkg-config|pkgconf libssl-dev
      libcurl4-openssl-dev|libcurl4-gnutls-dev|libcurl4-nss-dev zlib1g-dev libmicrohttpd-dev libsqlite3-dev libp11-kit-dev
      libmbedtls-dev libgnutls28-dev android-libboringssl-dev
      nginx-light|/usr/sbin/nginx sslsplit openssl curl sqlite3 python3'
tests='g++ clang lld libclang-rt-14-dev libcmocka-dev python3-venv faketime shellcheck scdoc mandoc zsh softhsm2 libcurl3-gnutls
       prometheus|/usr/bin/promtool prometheus-alertmanager|/usr/bin/prometheus-alertmanager
       nodejs|/usr/bin/node npm|/usr/bin/npm
       default-jdk-headless|/usr/bin/javac maven|/usr/bin/mvn
       libokhttp-java|/usr/share/java/okhttp.jar libokio-java|/usr/share/java/okio.jar'
long='gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user|/usr/bin/qemu-aarch64'
full='systemd|/usr/bin/systemd-analyze lintian clang-tidy clang-format cppcheck valgrind abigail-tools linux-perf'

say() { echo "setup: $*"; }
die() {
    echo "setup: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# shellcheck source=tools/hold-services.sh
. tools/hold-services.sh

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Is one of the alternatives of requirement $1 there?
satisfied() {
    (
        IFS='|'
        for alternative in $1; do
            case $alternative in
            /*) [ -e "$alternative" ] && exit 0 ;;
            *) installed "$alternative" && exit 0 ;;
            esac
        done
        exit 1
    )
}

missing_packages() {
    for requirement in "$@"; do
        satisfied "$requirement" || printf '%s ' "${requirement%%|*}"
    done
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l LC_ALL=C.UTF-8 "$@"
}

apt_get() {
    apt apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"
}

# The signals that end a whole group of processes would cut dpkg off; an interrupt apt-get obeys at a good moment.
apt_get_undisturbed() {
    apt env --ignore-signal=HUP,PIPE,TERM apt-get -q -o DPkg::Lock::Timeout=300 "$@"
}

# Was dpkg cut off in the middle (or is it working just now)?
dpkg_interrupted() {
    [ -n "$(ls /var/lib/dpkg/updates 2>/dev/null)" ]
}

install_packages() {
    for attempt in 1 2 3; do
        # The lists may be missing or out of date: fetch them when a package is unknown or could not be downloaded.
        if [ "$attempt" -gt 1 ] || { [ $# -gt 0 ] && ! apt-cache show --no-all-versions "$@" >/dev/null 2>&1; }; then
            say "fetching package lists"
            apt_get update || say "apt-get update failed; trying with the lists that are there"
        fi
        if [ -n "$may_repair" ] && dpkg_interrupted; then
            say "dpkg was cut off: letting it finish"
            apt dpkg --configure -a || say "it could not"
        fi
        set -- --yes --no-install-recommends --no-upgrade --no-remove "$@"
        apt_get install --download-only "$@" && apt_get_undisturbed install "$@" && return
        shift 4
        say "attempt $attempt of 3 to install packages failed"
        sleep $((attempt * 5))
    done
    die "could not install: $* (see apt-get's messages above; nothing that conflicts with them is removed for you)"
}

need_root() {
    [ "$(id -u)" -ne 0 ] || return 0
    command -v sudo >/dev/null || die "this needs root, and there is no sudo; as root: $*"
    sudo true || die "this needs root, and sudo does not allow it; as root: $*"
}

# However installation ends.
release() {
    trap '' HUP INT PIPE TERM
    trap - EXIT
    release_services || exit 1
    trap - HUP INT PIPE TERM
}

# One set-up at a time on a machine, whatever clone it is of.
wait_for_others() {
    exec 8</var/lib/dpkg
    flock --nonblock 8 && return
    say "waiting for another set-up to end"
    flock 8
}

ensure_packages() {
    wait_for_others
    missing=$(missing_packages "$@")
    may_repair=1
    if [ -n "$missing" ]; then
        say "to install: $missing"
        need_root "apt-get install --no-install-recommends $missing"
    elif services_held; then
        need_root "$PWD/tools/setup.sh demo"
    else
        say "all packages are there"
        exec 8<&-
        return
    fi
    if services_held; then
        say "an earlier run was killed: what it left is put right"
    elif dpkg_interrupted; then
        may_repair='' # not by us: its owner should look at it first
    fi
    trap release EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 141' PIPE
    trap 'exit 143' TERM
    hold_services
    # shellcheck disable=SC2086 # one word, one package
    install_packages $missing
    release
    exec 8<&-
    missing=$(missing_packages "$@")
    [ -z "$missing" ] || die "still missing after installation: $missing"
}

# A python that can make virtual environments: the system's, for python3-venv belongs to it.
ensure_venv() {
    mkdir -p build
    exec 9>build/.setup.lock
    flock 9
    python=/usr/bin/python3
    [ -x "$python" ] || python=python3
    want="$("$python" --version) $(cksum <tools/requirements.txt)"
    if [ "$(cat build/venv/.made-from 2>/dev/null)" = "$want" ]; then
        say "Python tools are there"
        return
    fi
    say "making build/venv: $(sed -n '/^[a-z]/p' tools/requirements.txt | tr '\n' ' ')"
    rm -rf build/venv
    "$python" -m venv build/venv
    build/venv/bin/pip --quiet --disable-pip-version-check --retries 5 install -r tools/requirements.txt ||
        die "could not install the Python tools; is the package registry (PyPI, or what pip is configured for) reachable?"
    echo "$want" >build/venv/.made-from
}

# A peer that cannot be had is no failure: its tests say that they were skipped, and why.
ensure_peers() {
    mkdir -p build/peers/js
    want="$(node --version) $(cksum <tests/peers/js/package-lock.json)"
    if [ "$(cat build/peers/js/.made-from 2>/dev/null)" = "$want" ]; then
        say "tuf-js is there"
    else
        say "installing tuf-js into build/peers"
        rm -f build/peers/js/.made-from
        cp tests/peers/js/package.json tests/peers/js/package-lock.json build/peers/js/
        if (cd build/peers/js && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error); then
            echo "$want" >build/peers/js/.made-from
        else
            say "could not install tuf-js (is the npm registry reachable?); its tests will be skipped"
        fi
    fi
    if ! command -v go >/dev/null; then
        say "no go here: the tests with go-tuf will be skipped"
    elif ! (cd tests/peers/go && GOTOOLCHAIN=local go build -buildvcs=false -trimpath -o ../../../build/peers/go-tuf .); then
        rm -f build/peers/go-tuf
        say "could not build go-tuf (go 1.25 or later, and a module proxy?); its tests will be skipped"
    fi
}

# Java libraries from Maven Central, or what Maven is configured for: exact versions, and nothing but the bytes of SHA256SUMS.
ensure_jars() {
    want="$(cat tests/peers/jvm/pom.xml tests/peers/jvm/SHA256SUMS | cksum)"
    if [ "$(cat build/peers/jvm/.made-from 2>/dev/null)" = "$want" ]; then
        say "OkHttp 5 and 4, Conscrypt and the Kotlin compiler are there"
        return
    fi
    say "fetching OkHttp 5 and 4, Conscrypt, the Kotlin compiler and ProGuard into build/peers/jvm"
    rm -rf build/peers/jvm
    mkdir -p build/peers/jvm
    if ! MAVEN_OPTS="${MAVEN_OPTS-} -XX:TieredStopAtLevel=1" timeout 600 mvn --batch-mode --no-transfer-progress --quiet \
        --strict-checksums --define style.color=never --file tests/peers/jvm/pom.xml dependency:copy --define jars="$PWD/build/peers/jvm"; then
        say "could not fetch them (is Maven Central reachable?); their tests will be skipped, OkHttp 3 from Debian is tested"
        return
    fi
    (cd build/peers/jvm && sha256sum --quiet --strict --check ../../../tests/peers/jvm/SHA256SUMS) ||
        die "what came from Maven is not what tests/peers/jvm/SHA256SUMS says; nothing of it is used"
    echo "$want" >build/peers/jvm/.made-from
}

case ${1-} in
demo) wanted="$demo" ;;
test) wanted="$demo $tests" ;;
long) wanted="$demo $tests $long" ;;
full) wanted="$demo $tests $full" ;;
*)
    echo "usage: tools/setup.sh demo|test|long|full" >&2
    exit 64
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "no apt and dpkg here; install what corresponds to these Debian packages: $(echo "$wanted" | tr -s ' \n' ' ')"
fi
# shellcheck disable=SC2086 # one word, one requirement
ensure_packages $wanted
if [ "$1" != demo ]; then
    ensure_venv
    ensure_peers
    ensure_jars
fi
