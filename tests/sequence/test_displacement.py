# TRUTHS of DENSE: the scan of a block that is shifted, stretched and sheared between two heart phases shows its displacement to
#   0.15 mm, with two phase cycles and with four | before it moves it shows none | relaxed magnetisation and the
#   opposite echo, which lies inside the measured k-space, are gone | refusals name fields

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Course, Deformation, FieldMap, Grid, Phantom, RawData, Sequence
from fullbore.errors import DataError, LimitError
from fullbore.recon.displacement import displacement
from fullbore.sequence import build, parse_protocol
from fullbore.simulate import acquire
from tests.simulate.small import box, machine, tissue

LOUD = machine(b1=False, coils=False)
SPEC = replace(LOUD, receive=replace(LOUD.receive, noise_covariance=1e-12 * LOUD.receive.noise_covariance))
PERIOD_S = 0.4
SHIFT_M = np.array([2e-3, -1.5e-3, 0.0])
SLOPE = np.array([[0.05, 0.03, 0.0], [0.0, -0.04, 0.0], [0.0, 0.0, 0.0]])
SMALL = {
    "matrix": [16, 16], "fov": ["96 mm", "96 mm"], "phases": 3, "heart_period": "400 ms", "views_per_segment": 8,
    "dummy_beats": 1,
}  # fmt: skip


def sequence(**changes: object) -> Sequence:
    table = sequence_protocol("dense_cine_2d")
    table["quick"] = {**table["quick"], **SMALL, **changes}
    return build(parse_protocol(table, quick=True), SPEC.limits)


def block() -> Phantom:
    """A block of muscle that moves by SHIFT + SLOPE r in every second phase of a beat, and back before the next trigger."""
    grid = Grid.centred((3, 3, 3), (60e-3,) * 3, (0.0, 0.0, 0.0))
    mode = FieldMap(values=np.moveaxis(SHIFT_M + grid.points_m() @ SLOPE.T, -1, 0), grid=grid, unit="m")
    pace = Course(times_s=np.array([0.0, 0.08, 0.12, 0.3, 0.35]), values=np.array([0, 0, 1, 1, 0.0])[:, None], period_s=PERIOD_S)
    # little is left from pulse to pulse, which would take many spins to spoil, and of tags from beat to beat, as in a whole R-R
    body = box((8, 21, 21), (1.5e-3, 1.5e-3, 1e-3), tissue("muscle", t1=0.1, t2=0.005))
    return replace(body, motion=Deformation(modes=(mode,), amplitude=pace))


def wanted_m(played: Sequence) -> np.ndarray:
    """Displacement of what is now in each voxel, (z, y, x, 3)."""
    now = played.encoding.geometry.grid().points_m()
    before = (now - SHIFT_M) @ np.linalg.inv(np.eye(3) + SLOPE).T
    return np.asarray(now - before)


@pytest.mark.slow
@pytest.mark.parametrize(("cycles", "length", "directions"), [(2, "10 mm", "in_plane"), (4, "16 mm", "read")])
def test_a_scan_shows_displacement(cycles: int, length: str, directions: str) -> None:
    played = sequence(phase_cycles=cycles, encode_length=length, directions=directions)
    found = displacement(acquire(block(), played, SPEC, engine="spins", spins=4000))
    place = played.encoding.geometry.grid().points_m()
    inside = np.abs(place[..., :2]).max(axis=-1) < 10e-3
    truth = (wanted_m(played) @ found.directions.T)[inside].T
    moved, rest = (found.along_m[:, phase][:, inside] for phase in (2, 0))
    gone = moved - truth
    # voxels of 6 mm, their phase coloured by the ringing of the block's sharp edges
    worst = [np.sqrt((part**2).mean(axis=1)).max() for part in (rest, gone)]
    assert worst[0] < 0.1e-3 and worst[1] < 0.15e-3, worst
    assert np.abs(gone.mean(axis=1)).max() < 0.1e-3


def test_data_of_other_sequences_are_refused() -> None:
    played = sequence()
    raw = RawData(
        encoding=replace(played.encoding, measures={}),
        samples=np.zeros((played.encoding.rows, 1, played.encoding.samples), np.complex64),
        b0_T=3.0,
    )
    with pytest.raises(DataError, match="nothing of displacement"):
        displacement(raw)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"encode_length": "0.2 mm"}, "repetition_time"),
        ({"phases": 40}, "phases"),
        ({"slice_thickness": "0.3 mm"}, "slice_thickness"),
        ({"trigger_delay": "1 ms"}, "trigger_delay"),
    ],
)
def test_refusals_name_the_field(changes: dict[str, object], named: str) -> None:
    with pytest.raises(LimitError, match=f"{named}: got") as caught:
        sequence(**changes)
    assert "no legal value" not in str(caught.value)
