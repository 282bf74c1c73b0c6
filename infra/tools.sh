#!/bin/sh
# Installs the pinned Python tools of this folder below .venv-infra, at the top of the checkout:
#   .venv-infra            cfn-lint and sam, which judge template.yaml     (requirements.txt)
#   .venv-infra/ministack  S3, DynamoDB and SQS for the tests of functions (ministack.txt)
# Two environments, because they pin different versions of botocore.
# Safe to run at any time: does nothing where an environment already matches its list.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top="$(dirname "$here")/.venv-infra"

install() {
    list="$here/$1" venv="$2"
    wanted=$(sha256sum < "$list")
    stamp="$venv/.installed"
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return
    fi
    echo "installing infra/$1 into $venv (once, about a minute)" >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    echo '*' > "$venv/.gitignore"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$list"
    "$venv/bin/pip" check --disable-pip-version-check >&2
    # Written last: an interrupted installation starts over.
    printf '%s\n' "$wanted" > "$stamp"
}

install requirements.txt "$top"
install ministack.txt "$top/ministack"
