#!/bin/sh
# Writes requirements/*.txt from pyproject.toml: every version with its hashes, no index address.
# Pins stay as they are unless UPGRADE=1. Needs uv, which users and CI do not.
set -eu
cd "$(dirname "$0")/.."

if ! command -v uv >/dev/null 2>&1; then
    echo "make lock needs uv, the one tool that writes hashes for every platform at once." >&2
    echo "Type: python3 -m pip install --user uv" >&2
    exit 1
fi

compile() {
    out=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url ${UPGRADE:+--upgrade} \
        --output-file "requirements/$out.txt" "$@"
}

compile run pyproject.toml
compile dev pyproject.toml --extra mcp --extra telemetry --group dev --constraints requirements/run.txt
compile build --group pyproject.toml:build --constraints requirements/dev.txt
compile compare --group pyproject.toml:compare --constraints requirements/dev.txt
