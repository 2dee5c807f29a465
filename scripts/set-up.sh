#!/bin/sh
# Makes the environment: `set-up.sh VENV run|dev|compare`. Repeatable; an environment whose Python is
# gone is made anew. Needs Python 3.11 or later with venv, and nothing else not checked here.
set -eu
cd "$(dirname "$0")/.."
venv=$1
kind=$2

say() { printf '%s\n' "$*" >&2; }

hint() {
    if [ "$(uname -s)" = Darwin ]; then say "Type: brew install $1"; else
        say "Type: sudo apt-get install $2"; fi
}

is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for name in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null 2>&1 && is_recent "$name"; then
            command -v "$name"
            return
        fi
    done
    say "Python 3.11 or later was not found (looked for \$PYTHON, python3, python3.14 to python3.11)."
    hint python@3.13 "python3 python3-venv"
    exit 1
}

check_venv() {
    if ! "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        say "Python at $1 comes without venv and pip."
        hint "python@$version" "python$version-venv"
        exit 1
    fi
}

if ! command -v git >/dev/null 2>&1; then
    say "git was not found."
    hint git git
    exit 1
fi

if ! is_recent "$venv/bin/python"; then
    python=$(find_python)
    check_venv "$python"
    say "Making $venv with $python"
    "$python" -m venv --clear "$venv"
fi

install() {
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input "$@"
}

say "Installing the locked requirements ($kind) into $venv"
install --require-hashes --only-binary :all: -r "requirements/$kind.txt"
# What the product is compared with stands in an environment without it.
if [ "$kind" = compare ]; then exit; fi
install --require-hashes --only-binary :all: -r requirements/build.txt
install --no-deps --no-build-isolation --no-index --editable .
