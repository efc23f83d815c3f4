#!/bin/sh
# Makes the virtual environment named by $1 from the hashed locks; does nothing when it is up to date.
set -eu
venv=$1
here=$(dirname "$0")
stamp=$venv/.locks
want=$(cat "$here/runtime.txt" "$here/development.txt" | cksum)
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ] && exit 0

python=
for candidate in python3.13 python3.12 python3.11 python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "No Python of 3.11 or newer with the venv module was found. On Debian: apt-get install python3-venv" >&2
    exit 1
fi
echo "Installing into $venv with $("$python" --version) (about a minute, once)"
"$python" -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    -r "$here/runtime.txt" -r "$here/development.txt"
echo "$want" > "$stamp"
