# SPDX-License-Identifier: Apache-2.0
# bash completion for pintle and pintled.  What may follow is read from the program's own --help, so nothing here has to
# change with it.

# The names of commands, "host add" as one line.
_pintle_commands() {
    local list=help
    [[ ${1##*/} == pintled ]] && list=--help
    "$1" $list 2>/dev/null | sed -n 's/^  \([a-z][a-z]*\( [a-z][a-z]*\)\{0,1\}\)  *[A-Z].*/\1/p'
}

# Hosts or zones ($1) of the repository that the command line names, as staged.
_pintle_names() {
    local i repo=()
    for ((i = 1; i < ${#COMP_WORDS[@]} - 1; i++)); do
        [[ ${COMP_WORDS[i]} == --repo ]] && repo=(--repo "${COMP_WORDS[i + 1]}")
    done
    "${COMP_WORDS[0]}" "$1" list "${repo[@]}" --json 2>/dev/null | sed -n "s/^.*\"$1\": \"\([^\"]*\)\".*/\1/p" | sort -u
}

# Completes $2 by what --help calls $1.
_pintle_by_name() {
    local words=''
    case $1 in
    FILE* | PATH* | KEY)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$2")
        return
        ;;
    DIR)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$2")
        return
        ;;
    HOST*) words=$(_pintle_names host) ;;
    ZONE) words=$(_pintle_names zone) ;;
    ROLE) words='root targets snapshot timestamp' ;;
    DRAFT) words="root targets $(_pintle_names zone)" ;;
    TYPE) words='p256 ed25519' ;;
    MODE) words='enforce report' ;;
    WHAT) words='spki cert' ;;
    WHERE) words='leaf issuer any' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2")
}

_pintle_among() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

# Completes one of the first words, or fails if they are complete; sets command to program and command then.
_pintle_command() {
    local cur=$1 at=1 commands firsts
    commands=$(_pintle_commands "${COMP_WORDS[0]}")
    firsts=$(cut -d ' ' -f 1 <<<"$commands" | sort -u)
    if ((COMP_CWORD == 1)); then
        [[ ${COMP_WORDS[0]##*/} == pintled ]] || firsts+=" help"
        _pintle_among "$firsts --help --version" "$cur"
        return
    fi
    if [[ ${COMP_WORDS[1]} == help ]]; then
        at=2
        if ((COMP_CWORD == 2)); then
            _pintle_among "$firsts exit-codes" "$cur"
            return
        fi
    fi
    command+=("${COMP_WORDS[at]}")
    if grep -q "^${COMP_WORDS[at]} " <<<"$commands"; then
        if ((COMP_CWORD == at + 1)); then
            _pintle_among "$(sed -n "s/^${COMP_WORDS[at]} //p" <<<"$commands") --help" "$cur"
            return
        fi
        command+=("${COMP_WORDS[at + 1]}")
    fi
    ((at == 2)) # nothing follows `pintle help COMMAND`
}

_pintle() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=("${COMP_WORDS[0]}") help name=''

    COMPREPLY=()
    # "--name=value" arrives as three words.
    if [[ $cur == = ]]; then
        cur=''
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    # pintled without a command is the daemon, which has options only.
    if [[ ${COMP_WORDS[0]##*/} != pintled || ${COMP_WORDS[1]} != -* ]] && _pintle_command "$cur"; then
        return
    fi
    help=$("${command[@]}" --help 2>/dev/null)
    [[ -n $help ]] || return
    [[ $prev =~ ^--[a-z0-9-]+$ ]] && name=$(sed -n "s/^  $prev \(\[NAME=\]\)\{0,1\}\([A-Z][^ ]*\) .*/\2/p" <<<"$help")
    if [[ -z $name && $cur == -* ]]; then
        _pintle_among "$(sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p' <<<"$help")" "$cur"
        return
    fi
    if [[ -z $name ]]; then
        name=$(sed -n "1s/^usage: pintled\{0,1\} ${command[*]:1} [[(]\{0,1\}\([A-Z]*\).*/\1/p" <<<"$help")
    fi
    # What is to be made has no name that could be known.
    if [[ $name != NAME ]]; then
        _pintle_by_name "$name" "$cur"
    fi
}

complete -F _pintle pintle pintled
