# TRUTHS of the protocol library: there is a protocol for every sequence | each, as it is shipped and in its small version, is
#   built and allowed on the default machine | its answer takes at most 10 s of one processor

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import pytest

from fullbore import hardware
from fullbore.clinical.library import sequence_protocol
from fullbore.data import ScannerSpec, Subject
from fullbore.safety import check
from fullbore.sequence import SEQUENCES, build, parse_protocol

SUBJECT = Subject(identifier="a", name="a", mass_kg=75.0, height_m=1.75)
LONGEST_S = 10.0
"""What a person waits for an answer without being told how long it takes."""

# In a process of its own, without the type checks of a test run, which make a build several times as long.
_ALL = """
import json, time
from fullbore import hardware
from fullbore.clinical.library import sequence_protocol
from fullbore.data import Subject
from fullbore.safety import check
from fullbore.sequence import SEQUENCES, build, parse_protocol

spec = hardware.design(hardware.Brief(preset="fullbore-65cm"))
subject = Subject(identifier="a", name="a", mass_kg=75.0, height_m=1.75)

def judged(name, quick):
    began = time.process_time()
    verdict = check(build(parse_protocol(sequence_protocol(name), quick=quick), spec.limits), spec, subject, "first_level")
    return [verdict.allowed, [str(item) for item in verdict.refusals], time.process_time() - began]

[judged(name, True) for name in ("petra_3d", "wave_gre_3d", "gradient_echo_epi_2d")]  # kernels are compiled once
print(json.dumps({name: judged(name, False) for name in SEQUENCES}))
"""


@cache
def default_machine() -> ScannerSpec:
    return hardware.design(hardware.Brief(preset="fullbore-65cm"))


@pytest.mark.slow
def test_every_protocol_is_allowed_and_judged_in_time() -> None:
    told = json.loads(subprocess.run([sys.executable, "-c", _ALL], capture_output=True, check=True, text=True).stdout)
    assert set(told) == set(SEQUENCES)
    assert {name: refusals for name, (allowed, refusals, _) in told.items() if not allowed} == {}
    assert {name: spent for name, (_, _, spent) in told.items() if spent > LONGEST_S} == {}


@pytest.mark.parametrize("name", sorted(SEQUENCES))
def test_every_small_protocol_is_allowed(name: str) -> None:
    spec = default_machine()
    sequence = build(parse_protocol(sequence_protocol(name), quick=True), spec.limits)
    verdict = check(sequence, spec, SUBJECT, "first_level")
    assert verdict.allowed, [str(item) for item in verdict.refusals]
