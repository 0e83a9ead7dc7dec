# TRUTHS of phase contrast: venc 150 cm/s is a difference of first moments of 7.83e-9 T s2/m, integrated from what plays, on the
#   encoded axis alone | the reference is compensated | four balanced views tell three directions apart | beats keep
#   the heart's period

from __future__ import annotations

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Sequence
from fullbore.errors import LimitError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.sequence import build, parse_protocol
from tests.sequence.reference import pulse_times, sample_times, waveform
from tests.simulate.small import machine

SPEC = machine(b1=False, coils=False)
DIFFERENCE = 7.83e-9


def sequence(name: str, **changes: object) -> Sequence:
    table = sequence_protocol(name)
    table["quick"] = {**table.get("quick", {}), **changes}
    return build(parse_protocol(table, quick=True), SPEC.limits)


def played_moments(played: Sequence) -> np.ndarray:
    """First moment about each readout's echo from its excitation on, (row, LPS), by fine sums."""
    encoding = played.encoding
    echo = sample_times(played)[:, encoding.centre_sample]
    centres, _ = pulse_times(played)
    start = centres[np.searchsorted(centres, echo) - 1]
    result = np.zeros((len(echo), 3))
    for axis in range(3):
        times, values = waveform(played, axis)
        for row, (first, last) in enumerate(zip(start, echo, strict=True)):
            t = np.linspace(first, last, 6001)
            result[row, axis] = np.trapezoid(np.interp(t, times, values) * (t - last), t)
    return result


@pytest.mark.parametrize(
    ("name", "encoding"), [("phase_contrast_2d", "through_plane"), ("flow_4d", "reference"), ("flow_4d", "balanced")]
)
def test_moments_are_venc(name: str, encoding: str) -> None:
    played = sequence(name, encoding=encoding, venc="150 cm/s", matrix=[16, 8] if "2d" in name else [16, 8, 4])
    table, geometry = played.encoding, played.encoding.geometry
    frame = np.stack([geometry.read, geometry.phase, geometry.slice])
    middle = (table.counter("line") == 4) & (table.counter("partition") == (0 if "2d" in name else 2))
    number = table.counter("set")[middle]
    said = np.stack([table.measures[f"moment_{axis}_T_s2_per_m"] for axis in "xyz"], axis=1)[middle]
    found = played_moments(played)[middle]
    # The half dwell by which a sample's middle may lie beside the echo costs 1e-4 of venc
    assert np.abs(found - said).max() < 2e-3 * DIFFERENCE
    of_set = np.stack([said[number == n][0] for n in range(number.max() + 1)]) @ frame.T / DIFFERENCE
    if encoding == "through_plane":
        expected = np.array([[0, 0, 0], [0, 0, 1]])
    elif encoding == "reference":
        expected = np.concatenate([np.zeros((1, 3)), np.eye(3)])
    else:
        expected = 0.5 * np.array([[-1, -1, -1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]])
    assert np.abs(of_set - expected).max() < 1e-3
    assert np.linalg.matrix_rank(of_set - of_set[0]) == expected.any(axis=0).sum()
    assert table.parameters["moment_difference_T_s2_per_m"] == pytest.approx(
        np.pi / (GYROMAGNETIC_RATIO_RAD_PER_S_T * 1.5), rel=1e-12
    )


def test_a_beat_keeps_the_period() -> None:
    played = sequence("phase_contrast_2d", heart_period="350 ms")
    starts = played.block_starts_s()[[trigger.block for trigger in played.triggers]]
    assert np.abs(np.diff(starts) - 0.35).max() < 1e-9
    table = played.encoding
    echo = sample_times(played)[:, table.centre_sample]
    since = echo - starts[np.searchsorted(starts, echo) - 1]
    assert np.abs(since - table.measures["trigger_delay_s"]).max() < table.dwell_s


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"echo_time": "1.5 ms"}, "echo_time"),
        ({"cardiac_phases": 90}, "cardiac_phases"),
        ({"slice_thickness": "0.4 mm"}, "slice_th"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changes: dict[str, object], named: str) -> None:
    with pytest.raises(LimitError, match=named):
        sequence("phase_contrast_2d", **changes)
