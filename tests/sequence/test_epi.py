# TRUTHS of echo-planar sequences: a box is reconstructed where it is, both polarities in step | slices excited together come
#   apart | b is what was asked, imaging gradients change it by less than 5 % | the virtual scanner loses exp(-b D) | b-tensors
#   have the shape that was asked | velocity and acceleration are nulled | directions are spread evenly | a shot measures all its
#   lines | too short an echo time is refused with one that works

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import AcquisitionFlag, Sequence, Tissue
from fullbore.errors import LimitError
from fullbore.phantom.objects.simple import uniform_box
from fullbore.recon import reconstruct
from fullbore.sequence import build, parse_protocol
from fullbore.sequence.block_table import Block
from fullbore.sequence.epi.shot import epi_lines
from fullbore.sequence.epi.weighting import directions, free, pulsed
from fullbore.sequence.moments import moments
from fullbore.simulate import acquire
from tests.sequence.reference import LIMITS
from tests.simulate.small import machine

WATER = Tissue(name="water", t1_s=1.0, t2_s=0.1, t2_prime_s=10.0, proton_density=1.0, diffusivity_m2_per_s=1e-9)


@cache
def made(name: str, *changes: tuple[str, object]) -> Sequence:
    table = sequence_protocol(name)
    table["quick"] = {**table["quick"], **dict(changes)}
    return build(parse_protocol(table, quick=True), LIMITS)


def test_lines_of_shots() -> None:
    for count, shots in ((32, 1), (32, 4), (36, 3)):
        found = epi_lines(count, shots, 1.0)
        assert sorted(found.lines.ravel()) == list(range(count))
        assert count // 2 in found.lines[:, found.centre]
    part = epi_lines(64, 1, 0.75)
    assert part.lines[0, 0] == 16 and part.lines[0, part.centre] == 32
    skipping = epi_lines(64, 1, 1.0, step=2)
    assert set(np.diff(skipping.lines[0])) == {2} and skipping.lines[0, skipping.centre] == 32


@pytest.mark.slow
def test_a_box_is_where_it_is() -> None:
    sequence = made("gradient_echo_epi_2d", ("slices", 1), ("bands", 1), ("caipi_shift", 1), ("frames", 1))
    # 60 x 90 mm, off the centre by (12, -18) mm
    box = uniform_box((60e-3, 90e-3, 30e-3), 3e-3, WATER, (12e-3, -18e-3, 0.0))
    image = reconstruct(acquire(box, sequence, machine(b1=False, coils=False)))
    seen = np.abs(image.values).reshape(-1, 32, 32)[0]
    points = image.grid.points_m().reshape(-1, 32, 32, 3)[0]
    inside = np.all(np.abs(points - np.array([12e-3, -18e-3, 0.0])) < np.array([24e-3, 39e-3, 1.0]), axis=-1)
    outside = np.any(np.abs(points - np.array([12e-3, -18e-3, 0.0])) > np.array([39e-3, 54e-3, 1.0]), axis=-1)
    assert seen[inside].std() < 0.12 * seen[inside].mean()  # Gibbs ringing of 6 mm pixels
    assert np.sqrt((seen[outside] ** 2).mean()) < 0.06 * seen[inside].mean()  # ringing again; a ghost would have 10 % and more


@pytest.mark.slow
def test_slices_excited_together_come_apart() -> None:
    sequence = made("gradient_echo_epi_2d", ("frames", 1))
    # only slices 0 and 1 (centres -18 and -6 mm) hold anything; the others are excited with them
    box = uniform_box((70e-3, 70e-3, 22e-3), 2e-3, WATER, (0.0, 0.0, -12e-3))
    image = reconstruct(acquire(box, sequence, machine(b1=False)))
    energy = (np.abs(image.values.reshape(-1, *image.values.shape[-3:])[0]) ** 2).sum(axis=(1, 2))
    assert energy[2:].max() < 0.02 * energy[:2].min()


def test_b_values_are_what_was_asked() -> None:
    encoding = made("diffusion_epi_2d", ("partial_fourier", "75 %")).encoding
    b = encoding.measures["b_value_s_per_m2"]
    weighted = encoding.counter("repetition") > 0
    assert b[~weighted].max() < 2e7  # 20 s/mm2 of imaging gradients
    assert b[weighted] == pytest.approx(1e9, rel=0.05)
    tensor = np.stack([encoding.measures[f"b_{n}_s_per_m2"] for n in ("xx", "yy", "zz")], axis=1)
    assert tensor.sum(axis=1) == pytest.approx(b)


def test_the_scanner_loses_what_diffusion_takes() -> None:
    # In 6 s all is recovered: what an imperfect refocusing stored before would add a stimulated echo to like after like.
    changes = (("shots", 1), ("slices", 1), ("directions", 1), ("repetition_time", "6000 ms"))
    sequence = made("diffusion_epi_2d", *changes)
    box = uniform_box((60e-3, 60e-3, 30e-3), 3e-3, WATER)
    raw = acquire(box, sequence, machine(b1=False, coils=False), engine="states")
    encoding, repetition = raw.encoding, raw.encoding.counter("repetition")
    middle = (encoding.counter("line") == 16) & (encoding.flags & np.uint64(AcquisitionFlag.PHASE_CORRECTION) == 0)
    size = [np.abs(raw.samples[middle & (repetition == n)]).max() for n in (0, 1)]
    b = [encoding.measures["b_value_s_per_m2"][repetition == n][0] for n in (0, 1)]
    recovered = 1 - np.exp(-6.0)  # the first volume starts from equilibrium
    # 1 %: a volume of 6 mm has imaging gradients' b of its own along its slice profile
    assert size[1] / (size[0] * recovered) == pytest.approx(np.exp(-(b[1] - b[0]) * 1e-9), rel=0.01)


@pytest.mark.parametrize(("shape", "wanted"), [("linear", (0, 0, 1)), ("spherical", (1 / 3, 1 / 3, 1 / 3))])
def test_b_tensors_have_their_shape(shape: str, wanted: tuple[float, float, float]) -> None:
    encoding = made("b_tensor_epi_2d", ("shapes", (shape,)), ("directions", 1)).encoding
    names = ("xx", "yy", "zz", "xy", "xz", "yz")
    xx, yy, zz, xy, xz, yz = (encoding.measures[f"b_{n}_s_per_m2"][-1] for n in names)
    eigenvalues = np.sort(np.linalg.eigvalsh(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])))
    assert eigenvalues / eigenvalues.sum() == pytest.approx(wanted, abs=0.04)  # imaging gradients' cross terms


def test_motion_is_nulled() -> None:
    weighting = free(1.0, 2e8, 30e-3, 8e-3, 30e-3, LIMITS, nulled_moments=3)
    before, after = (Block(duration_s=30e-3, read=w[0], phase=w[1], slice=w[2]) for w in (weighting.before, weighting.after))
    first = moments([before], about_s=0.0)
    second = moments([Block(duration_s=38e-3), after], about_s=0.0)
    plain = pulsed(2e8, 30e-3, 8e-3, 30e-3, LIMITS)
    scale = np.abs(moments([Block(duration_s=30e-3, read=plain.before[0])], about_s=0.0)).max(axis=1)
    for order in range(3):
        assert np.abs(first[order] - second[order]).max() < 1e-6 * scale[order]


def test_directions_are_far_apart() -> None:
    assert directions(1) == pytest.approx(np.array([[0.0, 0.0, 1.0]]))
    three = directions(3)
    assert np.abs(three @ three.T - np.eye(3)).max() < 0.02
    six = directions(6)
    angle = np.degrees(np.arccos(np.clip(np.abs(six @ six.T) - 2 * np.eye(6), -1, 1)))
    assert angle[~np.eye(6, dtype=bool)].min() == pytest.approx(63.43, abs=1.5)  # the icosahedron's axes


def test_a_short_echo_time_is_refused_with_one_that_works() -> None:
    with pytest.raises(LimitError, match=r"echo_time: got 40 ms, shortest is [\d.]+ ms"):
        made("diffusion_epi_2d", ("echo_time", "40 ms"))
    with pytest.raises(LimitError, match="Set echo_time to that"):
        made("gradient_echo_epi_2d", ("echo_time", "5 ms"))
