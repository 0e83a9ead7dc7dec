# TRUTHS of line navigators: an object moved between two groups is found moved by as much along each axis, upright and tilted |
#   the image is made of the other rows alone | refusals name fields

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import RawData, Sequence
from fullbore.errors import DataError, LimitError, UsageError
from fullbore.phantom.objects.simple import sphere
from fullbore.recon import reconstruct
from fullbore.recon.line_navigators import navigated_shifts_m
from fullbore.sequence import build, parse_protocol
from fullbore.simulate import acquire
from tests.simulate.small import machine, tissue

SPEC = machine(b1=False, coils=False)
SMALL = {"fov": ["96 mm", "96 mm", "96 mm"], "matrix": [24, 12, 8], "dummy_views": 20}


def sequence(**changes: object) -> Sequence:
    table = sequence_protocol("navigated_gre_3d")
    table["quick"] = {**table["quick"], **SMALL, **changes}
    return build(parse_protocol(table, quick=True), SPEC.limits)


def seen(played: Sequence, centre: tuple[float, float, float]) -> RawData:
    return acquire(sphere(0.02, 4e-3, tissue(), centre), played, SPEC)


@pytest.mark.parametrize("tilt", [0, 1])
def test_a_moved_sphere_is_found(tilt: int) -> None:
    played = sequence(tilt=["20 deg", "-10 deg", "15 deg"] if tilt else ["0 deg"] * 3)
    moved = (3.1e-3, -2.3e-3, 1.7e-3)
    before, after = seen(played, (0.0, 0.0, 0.0)), seen(played, moved)
    late = played.encoding.counter("segment") == 1
    raw = replace(before, samples=np.where(late[:, None, None], after.samples, before.samples))
    shifts = navigated_shifts_m(raw)
    geometry = played.encoding.geometry
    expected = np.stack([geometry.read, geometry.phase, geometry.slice]) @ np.array(moved)
    assert shifts.shape == (2, 3)
    assert np.abs(shifts[0]).max() < 1e-9
    # a sphere painted on cells of 4 mm is not quite the same sphere elsewhere
    assert shifts[1] == pytest.approx(expected, abs=0.1e-3)


def test_the_image_is_of_the_other_rows() -> None:
    raw = seen(sequence(), (0.004, -0.008, 0.012))
    image = np.abs(reconstruct(raw).values)
    assert image.shape[-3:] == (8, 12, 24)
    grid = raw.encoding.geometry.grid()
    weight = image.reshape(grid.shape)
    weight = np.where(weight > 0.2 * weight.max(), weight, 0)
    middle = (grid.points_m() * weight[..., None]).sum((0, 1, 2)) / weight.sum()
    assert middle == pytest.approx((0.004, -0.008, 0.012), abs=0.5e-3)


def test_data_without_navigators_are_refused() -> None:
    raw = seen(sequence(), (0.0, 0.0, 0.0))
    with pytest.raises(DataError, match="no line navigators"):
        navigated_shifts_m(raw.take(np.flatnonzero(raw.encoding.counter("set") == 0)))


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"echoes": 3}, "echoes"), ({"echo_time": "0.5 ms"}, "echo_time"), ({"repetition_time": "3 ms"}, "repetition_time")],
)
def test_refusals_name_the_field(changes: dict[str, object], named: str) -> None:
    with pytest.raises(LimitError, match=f"{named}: got") as caught:
        sequence(**changes)
    assert "no legal value" not in str(caught.value)


def test_a_slab_is_refused() -> None:
    with pytest.raises(UsageError, match="wanted hard"):
        sequence(excitation="sinc", excitation_duration="1 ms")
