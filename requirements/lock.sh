#!/bin/sh
# Writes the locks anew, with hashes and without any registry's address. Run it with the oldest Python we support.
set -eu
cd "$(dirname "$0")"
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3.11 -m venv "$tools"
"$tools/bin/pip" install --quiet pip-tools
for name in runtime development; do
    "$tools/bin/pip-compile" --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
        --no-emit-find-links --no-emit-trusted-host --output-file "$name.txt" "$name.in"
done
