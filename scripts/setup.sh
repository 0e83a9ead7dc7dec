#!/bin/sh
# Makes .venv and installs what a command needs: `setup.sh scan` (the package) or `setup.sh test` (tests and their real peers).
# Says exactly what is missing when it may not install a system package itself.
set -eu
want=${1:-scan}
python=${PYTHON:-python3}

missing_packages() {
    echo "fullbore: missing system packages: $*" >&2
    echo "fullbore: install them, e.g. with: sudo apt-get install -y $*" >&2
}

install_packages() {
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        echo "fullbore: installing system packages: $*"
        apt-get update -qq || true
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null || { missing_packages "$@"; return 1; }
    else
        missing_packages "$@"
        return 1
    fi
}

if ! command -v "$python" >/dev/null 2>&1; then
    install_packages python3 python3-venv || exit 2
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "fullbore: $("$python" --version) is too old; wanted Python 3.11 or newer (set PYTHON=...)." >&2
    exit 2
fi
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    install_packages python3-venv || exit 2
fi

[ -x .venv/bin/python ] || "$python" -m venv .venv
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }

if [ "$want" = scan ]; then
    echo "fullbore: installing into .venv (once, a few minutes)"
    pip install -q "torch==2.13.0"
    pip install -q -e .
    echo "fullbore: compiling kernels (once)"
    .venv/bin/python -m fullbore.cli.warm
    touch .venv/.ready
else
    absent=""
    command -v dciodvfy >/dev/null 2>&1 || absent="$absent dicom3tools"
    command -v dcm2niix >/dev/null 2>&1 || absent="$absent dcm2niix"
    command -v dcmdump >/dev/null 2>&1 || absent="$absent dcmtk"
    # Without them the tests that need these peers are skipped, visibly.
    if [ -n "$absent" ]; then install_packages $absent || true; fi
    pip install -q -e ".[test]"
    touch .venv/.test-ready
fi
