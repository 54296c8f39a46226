#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tools/setup.sh demo|test|full: installs what is missing from Debian 12's packages (as root, or through sudo) and, for
# test and full, the Python tools of tools/requirements.txt into build/venv.  Running it again does nothing.
#   demo  to build, and to run the demonstration     test  also to run the tests     full  also lint, bench and packaging
# No system service is started or enabled: packages that would do so are held back while they are installed, and what
# they enabled is disabled again.  Nothing that was installed, running or enabled before is touched.
set -eu
cd "$(dirname "$0")/.."

# One requirement a word: package[|other package or file that will do]...
demo='gcc libc6-dev make cmake ninja-build pkg-config|pkgconf libssl-dev
      libcurl4-openssl-dev|libcurl4-gnutls-dev|libcurl4-nss-dev libmicrohttpd-dev libsqlite3-dev
      nginx-light|/usr/sbin/nginx sslsplit openssl curl sqlite3 python3'
tests='g++ clang libclang-rt-14-dev libcmocka-dev python3-venv faketime shellcheck scdoc mandoc'
full='clang-tidy clang-format cppcheck valgrind abigail-tools linux-perf'

policy=/usr/sbin/policy-rc.d
saved=/usr/sbin/policy-rc.d.saved-by-pintle
mark='Made by tools/setup.sh of Pintle while packages are installed'

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

# Everything that systemd or the boot scripts would start: one line a link.
enabled_services() {
    find /etc/systemd/system /etc/systemd/user /etc/rc[S2345].d \
        \( -path '*.wants/*' -o -path '*.requires/*' -o -name 'S[0-9]*' \) -type l 2>/dev/null | sort
}

# dpkg's maintainer scripts start services through invoke-rc.d and deb-systemd-invoke, and both ask policy-rc.d.
block_services() {
    if grep -qs "$mark" "$policy"; then # a run that was killed
        as_root rm -f "$policy"
    elif [ -e "$policy" ] || [ -L "$policy" ]; then
        as_root mv "$policy" "$saved"
    fi
    printf '#!/bin/sh\n# %s: no service is started.\nexit 101\n' "$mark" | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}

unblock_services() {
    if grep -qs "$mark" "$policy"; then
        as_root rm -f "$policy"
    fi
    if [ -e "$saved" ] || [ -L "$saved" ]; then
        as_root mv "$saved" "$policy"
    fi
}

# Turns off what was not in file $1 (the links before), by Debian's own tools so that upgrades keep it off.
disable_new_services() {
    enabled_services | comm -13 "$1" - | while read -r link; do
        name=${link##*/}
        case $link in
        /etc/rc*) name=$(echo "$name" | sed 's/^S[0-9][0-9]//') ;;
        esac
        [ -L "$link" ] || continue # gone together with an earlier one
        say "disabling $name, which its package enabled"
        case $link in
        /etc/rc*) as_root update-rc.d "$name" disable >/dev/null ;;
        /etc/systemd/user/*) as_root deb-systemd-helper --user disable "$name" >/dev/null ;;
        *) as_root deb-systemd-helper disable "$name" >/dev/null ;;
        esac
    done
    left=$(enabled_services | comm -13 "$1" -)
    [ -z "$left" ] || die "could not disable: $left"
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l LC_ALL=C.UTF-8 \
        apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"
}

install_packages() {
    for attempt in 1 2 3; do
        # The lists may be missing or out of date: fetch them when a package is unknown or could not be downloaded.
        if [ "$attempt" -gt 1 ] || ! apt-cache show --no-all-versions "$@" >/dev/null 2>&1; then
            say "fetching package lists"
            apt update || say "apt-get update failed; trying with the lists that are there"
        fi
        apt install --yes --no-install-recommends --no-upgrade --no-remove "$@" && return 0
        say "attempt $attempt of 3 to install packages failed"
        sleep $((attempt * 5))
    done
    die "could not install: $* (see apt-get's messages above; nothing that conflicts with them is removed for you)"
}

ensure_packages() {
    missing=$(missing_packages "$@")
    if [ -z "$missing" ]; then
        say "all packages are there"
        return
    fi
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        die "these packages are missing, and there is no sudo; as root: apt-get install --no-install-recommends $missing"
    fi
    say "installing: $missing"
    before=$(mktemp)
    enabled_services >"$before"
    trap unblock_services EXIT
    trap 'exit 130' INT TERM HUP
    block_services
    # shellcheck disable=SC2086 # one word, one package
    install_packages $missing
    disable_new_services "$before"
    unblock_services
    trap - EXIT INT TERM HUP
    rm -f "$before"
    missing=$(missing_packages "$@")
    [ -z "$missing" ] || die "still missing after installation: $missing"
}

# A python that can make virtual environments: the system's, for python3-venv belongs to it.
ensure_venv() {
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

case ${1-} in
demo) wanted="$demo" ;;
test) wanted="$demo $tests" ;;
full) wanted="$demo $tests $full" ;;
*)
    echo "usage: tools/setup.sh demo|test|full" >&2
    exit 64
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "no apt and dpkg here; install what corresponds to these Debian packages: $(echo "$wanted" | tr -s ' \n' ' ')"
fi
mkdir -p build
exec 9>build/.setup.lock
flock 9
# shellcheck disable=SC2086 # one word, one requirement
ensure_packages $wanted
[ "$1" = demo ] || ensure_venv
