#!/bin/sh
# Installs the programs that benchmarks compare with, into an environment of their own: never into the package's.
set -eu
cd "$(dirname "$0")"
[ -x .peers/bin/python ] || "${PYTHON:-python3}" -m venv .peers
.peers/bin/python -m pip install -q --disable-pip-version-check "pypulseq==1.5.0.post1" "blochsimulator==2.9.5"
