# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# For tools/setup.sh: keeps packages from starting or enabling services while they are installed.  hold_services, install,
# release_services.  policy-rc.d, the file by which this is done, also notes what was enabled before: whatever ends the
# script in between, the next one finds the file (services_held) and releases.  Uses as_root and say.

policy=/usr/sbin/policy-rc.d
saved=/usr/sbin/policy-rc.d.saved-by-pintle
draft=/usr/sbin/policy-rc.d.new-by-pintle
mark='Made by tools/setup.sh of Pintle while packages are installed'

there() {
    [ -e "$1" ] || [ -L "$1" ]
}

policy_is_ours() {
    grep -qs "$mark" "$policy"
}

services_held() {
    policy_is_ours || there "$saved"
}

# Everything that systemd or the boot scripts would start: one line a link.
enabled_services() {
    find /etc/systemd/system /etc/systemd/user /etc/rc[S2345].d \
        \( -path '*.wants/*' -o -path '*.requires/*' -o -name 'S[0-9]*' \) -type l 2>/dev/null | sort
}

newly_enabled_services() {
    enabled_services | while read -r link; do
        grep -qxF "# enabled before: $link" "$policy" || echo "$link"
    done
}

# dpkg's maintainer scripts start services through invoke-rc.d and deb-systemd-invoke, and both ask policy-rc.d.
hold_services() {
    if policy_is_ours; then # of a run that was killed: its list counts
        return
    fi
    {
        printf '#!/bin/sh\n# %s: no service is started.\n' "$mark"
        echo '# If no tools/setup.sh is running, one was killed: run it again, and it puts back what was here before.'
        enabled_services | sed 's/^/# enabled before: /'
        echo 'exit 101'
    } | as_root tee "$draft" >/dev/null
    as_root chmod 755 "$draft"
    ! there "$policy" || as_root mv "$policy" "$saved"
    as_root mv "$draft" "$policy"
}

# Turns off what packages enabled meanwhile, by Debian's own tools so that upgrades keep it off.
disable_new_services() {
    newly_enabled_services | while read -r link; do
        there "$link" || continue # gone together with an earlier one
        name=${link##*/}
        case $link in
        /etc/rc*) name=${name#S[0-9][0-9]} ;;
        esac
        say "disabling $name, which its package enabled"
        case $link in
        /etc/rc*) as_root update-rc.d "$name" disable >/dev/null ;;
        /etc/systemd/user/*) as_root deb-systemd-helper --user disable "$name" >/dev/null ;;
        *) as_root deb-systemd-helper disable "$name" >/dev/null ;;
        esac
    done
    left=$(newly_enabled_services)
    [ -z "$left" ] || say "could not disable: $left" >&2
    [ -z "$left" ]
}

release_services() {
    released=0
    if policy_is_ours; then
        disable_new_services || released=1
    fi
    if there "$saved"; then
        as_root mv "$saved" "$policy" || released=1
    elif policy_is_ours; then
        as_root rm "$policy" || released=1
    fi
    return "$released"
}
