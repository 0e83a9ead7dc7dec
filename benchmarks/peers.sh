#!/bin/sh
# Installs the programs that benchmarks compare with, into an environment of their own: never into the package's.
set -eu
cd "$(dirname "$0")"
[ -x .peers/bin/python ] || "${PYTHON:-python3}" -m venv .peers
.peers/bin/python -m pip install -q --disable-pip-version-check "torch==2.13.0" "pypulseq==1.5.0.post1" \
    "blochsimulator==2.9.5" "MRzeroCore==1.2.0" "pulserver==0.4.7" "pypulseqpp==0.0.53" \
    "cfsem==14.0.1" "magpylib==6.2.0" \
    "bartorch==0.0.17" "sigpy==0.1.27" "mri-nufft==1.5.1" "mrpro==0.261015" "pygrappa==0.26.3" "finufft==2.5.1"
# pyCoilGen asks for an older numpy than the others.
[ -x .peers/coilgen/bin/python ] || "${PYTHON:-python3}" -m venv .peers/coilgen
.peers/coilgen/bin/python -m pip install -q --disable-pip-version-check "pycoilgen==0.2.4"
# Waveforms of b-tensors, a port of NOW; lobes within nerves' limits, GrOpt.
[ -x .peers/gradients/bin/python ] || "${PYTHON:-python3}" -m venv .peers/gradients
.peers/gradients/bin/python -m pip install -q --disable-pip-version-check "dmipy-design==2.0.1" "gropt2==0.0.31"
# BART 0.8, which bench_recon.py runs as a command, is Debian's: apt-get install bart
