# TRUTHS of the beating heart's diffusion scan: matter that moves at a constant velocity and acceleration keeps its phase with
#   both moments nulled; the plain weighting turns it by gamma (M1 v + M2 a / 2), that of two nulls by the acceleration's alone
#   | a box that is stretched keeps its signal, the plain weighting leaves sinc(gamma M1 v / 2) of it, v across the box
#   | matter in motion has the right diffusivity

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import AcquisitionFlag, Course, Deformation, RigidMotion, Sequence, VectorField
from fullbore.physics.constants import GYROMAGNETIC_RATIO_RAD_PER_S_T as GAMMA
from fullbore.sequence import build, parse_protocol
from fullbore.simulate.cloud import SpinCloud, play_cloud
from tests.sequence.reference import LIMITS, pulse_times, waveform
from tests.simulate.small import box, machine, samples, tissue
from tests.simulate.test_walk import still, water

PERIOD_S, ECHO_S, WIDTH_M, DIFFUSIVITY = 1.0, 0.1, 12e-3, 1.5e-9
VOLUME = 3
"""Weighted mostly along the phase axis (LPS y), along which all moves, so that nothing leaves the slice."""
PHASE_BOUND_RAD = 2e-3
"""Of a turn of 1 rad, moments by steps of 2 us are good to 2e-6 / 0.05 s of a lobe's; matter relaxes to exp(-10) = 5e-5 between
shots; of what the refocusing pulse excites itself, crushers of 800 cycles/m leave under 1e-3 in a slice of 8 mm."""


@cache
def scan(nulled: int) -> Sequence:
    table = sequence_protocol("cardiac_diffusion_epi_2d")
    table["quick"] |= {
        "b_values": ["0 s/mm2", "200 s/mm2"], "directions": 3, "matrix": [16, 16], "fat_saturation": False,
        "nulled_moments": nulled,
    }  # fmt: skip
    return build(parse_protocol(table, quick=True), LIMITS)


def moments(nulled: int) -> np.ndarray:
    """gamma times the first and second moment about the excitation, up to the echo, along y: (volume, 2), by plain sums."""
    centres, uses = pulse_times(scan(nulled))
    result = []
    for start, turn in zip(centres[uses == "e"], centres[uses == "r"], strict=True):
        since = np.linspace(0, ECHO_S, round(ECHO_S / 2e-6) + 1)
        gradient = np.interp(start + since, *waveform(scan(nulled), 1)) * np.where(start + since < turn, -1, 1)
        result.append([GAMMA * np.trapezoid(gradient * since**order, since) for order in (1, 2)])
    return np.array(result)


def course(velocity: float, acceleration: float) -> Course:
    """How far from each beat's excitation on, and back before the next beat; linear between half milliseconds."""
    start = float(pulse_times(scan(3))[0][0])
    since = np.arange(-0.01, 0.15, 0.5e-3)
    way = velocity * since + 0.5 * acceleration * since**2
    return Course(
        times_s=np.concatenate([[0.0], start + since, [start + 0.4]]),
        values=np.concatenate([[0.0], way, [0.0]]),
        period_s=PERIOD_S,
    )


def matter(across: int, through: int, diffusivity: float = 0.0, reach_m: float = 12e-3) -> SpinCloud:
    """Spins on a plane: along y over the box's width, through the slice over twice `reach_m`; their sum is 1."""
    y, z = ((np.arange(count) + 0.5) / count - 0.5 for count in (across, through))
    place = np.stack([np.zeros(across * through), np.repeat(y * WIDTH_M, through), np.tile(2 * reach_m * z, across)], axis=1)
    cloud = replace(water(len(place), diffusivity), position_m=place)
    return replace(cloud, t1_s=np.full(len(place), 0.1), t2_s=np.full(len(place), 0.05))


def middle_rows(nulled: int) -> np.ndarray:
    """The row with k = 0 of each volume."""
    encoding = scan(nulled).encoding
    measured = encoding.flags & np.uint64(AcquisitionFlag.PHASE_CORRECTION) == 0
    rows = np.flatnonzero((encoding.counter("line") == 8) & measured)
    assert encoding.counter("repetition")[rows].tolist() == [0, 1, 2, 3]
    return rows


def echoes(cloud: SpinCloud, nulled: int) -> np.ndarray:
    """The sample with k = 0 of each volume."""
    return np.asarray(play_cloud(cloud, scan(nulled))[middle_rows(nulled), 0, scan(nulled).encoding.centre_sample])


def moved(cloud: SpinCloud, velocity: float, acceleration: float) -> SpinCloud:
    way = course(velocity, acceleration)
    shift = replace(way, values=way.values[:, None] * np.array([0.0, 1.0, 0.0]))
    return replace(cloud, motion=RigidMotion(turn=replace(way, values=np.zeros((len(way.values), 3))), shift=shift))


@pytest.mark.parametrize(
    ("nulled", "velocity", "acceleration"), [(1, 0.2e-3, 0.0), (1, 0.2e-3, 8e-3), (2, 40e-3, 8e-3), (3, 40e-3, 0.5)]
)
def test_motion_turns_what_is_not_nulled(nulled: int, velocity: float, acceleration: float) -> None:
    cloud = still(matter(1, 192))
    rested, found = echoes(cloud, nulled), echoes(moved(cloud, velocity, acceleration), nulled)
    turned = found / rested
    turned = np.angle(turned[VOLUME] / turned[0])
    left = moments(nulled)[VOLUME] - moments(nulled)[0]
    expected = -(left[0] * velocity + left[1] * acceleration / 2)
    assert abs(expected) > 0.5 if nulled < 3 else abs(expected) < PHASE_BOUND_RAD
    assert abs(np.angle(np.exp(1j * (turned - expected)))) < PHASE_BOUND_RAD, (turned, expected)
    kept = np.abs(found / rested)[[0, VOLUME]]  # spins of one line do not crush where another volume's lobe undoes the crusher's
    assert kept == pytest.approx(1, rel=PHASE_BOUND_RAD)


@pytest.mark.parametrize("nulled", [1, 2, 3])
def test_a_stretched_box_keeps_what_is_nulled(nulled: int) -> None:
    rate = 0.15  # 1/s; a heart's is some 1/s, of which the plain weighting leaves nothing
    cloud = still(matter(48, 96))
    along = VectorField(at=lambda place: place * np.array([0.0, 1.0, 0.0]))
    way = course(rate, 0.0)
    stretched = replace(cloud, motion=Deformation(modes=(along,), amplitude=replace(way, values=way.values[:, None])))
    found = np.abs(echoes(stretched, nulled) / echoes(cloud, nulled))
    expected = np.abs(np.sinc(moments(nulled)[:, 0] * rate * WIDTH_M / 2 / np.pi))
    assert np.abs(found - expected).max() < PHASE_BOUND_RAD, (found, expected)
    assert found[VOLUME] < 0.6 if nulled == 1 else found[VOLUME] > 0.99


def weights() -> np.ndarray:
    encoding = scan(3).encoding
    b = encoding.measures["b_value_s_per_m2"]
    return np.array([b[encoding.counter("repetition") == volume][0] for volume in range(4)])


def test_matter_at_rest_has_its_diffusivity() -> None:
    """Configuration states, which know no chance; their tolerance, and what is left between shots, over exp(-b D)."""
    tolerance, kind = 1e-4, tissue(t1=0.1, t2=0.05)
    bodies = [box((9, 1, 1), (2e-3,) * 3, one) for one in (kind, replace(kind, diffusivity_m2_per_s=DIFFUSIVITY))]
    rested, found = (
        np.abs(samples(body, scan(3), machine(b1=False, coils=False), tolerance)[middle_rows(3), 0]).max(axis=1)
        for body in bodies
    )
    kept = np.exp(-DIFFUSIVITY * weights())
    assert np.abs(np.log(found / rested / kept) / DIFFUSIVITY).max() < (2 * tolerance + np.exp(-9.0)) / kept.min() / DIFFUSIVITY
    assert kept[1:].max() < 0.76


def test_moving_matter_has_its_diffusivity() -> None:
    """Walks of so many spins; of what a pulse leaves astray, which they no longer cancel, each spin gives less than it has."""
    count = 96
    cloud = moved(matter(count, count, DIFFUSIVITY, reach_m=1.5e-3), 40e-3, 0.5)
    kept = echoes(cloud, 3) / echoes(still(cloud), 3)
    gone = kept[1:] - np.exp(-DIFFUSIVITY * weights()[1:])
    assert abs(gone.mean()) < 4 / np.sqrt(2 * 3 * count**2), gone
