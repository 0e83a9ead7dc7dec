# TRUTHS of the whole exam: MPRAGE white/grey contrast = the recursion of its train within 5 % | T1 and T2 of white matter, grey
# matter and CSF within 3 % (median over pure voxels) at the exam's noise, T2 less what diffusion takes in the train's crushers
# | stated standard deviations are of the size of the spread | every verdict allows | the exam keeps its time and memory

import numpy as np
import pytest

from fullbore.clinical import exam_protocols
from fullbore.hardware import Brief, design
from fullbore.physics.tissue import TISSUES
from fullbore.sequence import build, parse_protocol
from fullbore.simulate.diffusion import cut_waveforms
from fullbore.simulate.timeline import compile_timeline
from tests.clinical.conftest import DoneExam

pytestmark = pytest.mark.slow


def test_mprage_contrast_is_that_of_its_recursion(full_exam: DoneExam) -> None:
    figures = full_exam.series("t1_mprage")["figures"]
    assert abs(figures["white_to_grey"] / figures["white_to_grey_expected"] - 1) < 0.05
    assert abs(figures["white_to_grey_nominal"] / 1.47 - 1) < 0.05


@pytest.mark.parametrize("quantity", ["T1", "T2"])
@pytest.mark.parametrize("tissue", ["white matter", "grey matter", "csf"])
def test_relaxation_times_are_the_phantoms(full_exam: DoneExam, quantity: str, tissue: str) -> None:
    region = next(r for r in full_exam.series("t1t2_map")["regions"] if r["quantity"] == quantity and r["tissue"] == tissue)
    assert region["voxels"] >= 10
    diffused = TISSUES[tissue].diffusivity_m2_per_s * crusher_b_rate() if quantity == "T2" else 0.0
    wanted = 1 / (1 / region["truth"] + diffused)
    assert abs(region["median"] / wanted - 1) < 0.03


def crusher_b_rate() -> float:
    """b that the map's train gathers per second from its third refocusing pulse to the next, by the main path, s/m^2 / s."""
    protocol = parse_protocol({"protocol": exam_protocols("brain")["t1t2_map"]["protocol"]})
    sequence = build(protocol, design(Brief()).limits)
    timeline = compile_timeline(sequence)
    third = np.flatnonzero(np.array(timeline.uses) == "r")[2:4]
    between = cut_waveforms(sequence, timeline).between(third).taken(np.array([1]))
    return float(between.exponent(-0.5 * between.moment_per_m, np.eye(3))[0] / between.time_s[0])


def test_stated_uncertainty_is_honest(full_exam: DoneExam) -> None:
    # The spread over a tissue also holds residual partial volume and ringing: it may exceed the noise, not fall far below.
    for region in full_exam.series("t1t2_map")["regions"]:
        assert 0.3 * region["stated_std"] < region["spread"] < 6 * region["stated_std"], region


def test_every_series_was_allowed_and_gated(full_exam: DoneExam) -> None:
    for entry in full_exam.record["series"]:
        assert entry["verdict"]["allowed"] and len(entry["verdict"]["findings"]) >= 6


def test_the_exam_keeps_its_memory(full_exam: DoneExam) -> None:
    assert 0.5 * 1024 * 1024 < full_exam.peak_kB < 4 * 1024 * 1024
