#!/bin/sh
# Installs the pinned tools that judge template.yaml (cfn-lint, sam) into .venv-infra, at the top of
# the checkout. Safe to run at any time: does nothing when the environment already matches its list.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
venv="$(dirname "$here")/.venv-infra"
wanted=$(sha256sum < "$here/requirements.txt")
stamp="$venv/.installed"

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

echo "installing infra/requirements.txt into .venv-infra (once, about a minute)" >&2
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/requirements.txt"
"$venv/bin/pip" check --disable-pip-version-check >&2
# Written last: an interrupted installation starts over.
printf '%s\n' "$wanted" > "$stamp"
