# TRUTHS of the b-tensor scan: linear, planar and spherical encodings keep exp(-B:D) of water with an anisotropic tensor, by the
#   tensors that readouts carry and by those that were asked | an equal b of isotropic water takes as much in every shape
#   | what readouts carry is a blunt sum over the played gradients

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import AcquisitionFlag, Sequence
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence import build, parse_protocol
from tests.sequence.reference import LIMITS, pulse_times, waveform
from tests.simulate.small import box, machine, samples, tissue

SPEC = machine(b1=False, coils=False)
B, ECHO_S, THICKNESS_M, REFOCUSING_S, TOLERANCE = 1e9, 0.11, 12e-3, 4.8e-3, 1e-4
SHAPES = {"linear": np.diag([0.0, 0.0, 1.0]), "planar": np.diag([0.5, 0.5, 0.0]), "spherical": np.eye(3) / 3}
FIBRE = np.array([[1.7e-9, 0.2e-9, 0.1e-9], [0.2e-9, 0.4e-9, -0.1e-9], [0.1e-9, -0.1e-9, 0.3e-9]])
DISC = np.array([[0.5e-9, -0.2e-9, 0.0], [-0.2e-9, 0.6e-9, 0.2e-9], [0.0, 0.2e-9, 1.5e-9]])
WATER = tissue(t1=0.3, t2=0.1)
"""Recovered after 3 s but for exp(-10) = 5e-5: nothing is left of the shot before."""
TURNED = 2 * GYROMAGNETIC_RATIO_HZ_PER_T * (3 / REFOCUSING_S / (GYROMAGNETIC_RATIO_HZ_PER_T * THICKNESS_M)) * REFOCUSING_S / 2
UNSURE = TURNED * 2 * np.pi / np.sqrt(B / ECHO_S)
"""Of b: a tensor of instant pulses cannot say when within its pulse a spin turns. One that turns at its very end, not at its
middle, is off by k = 125 cycles/m, half of what selection gathers in the pulse; |k + d|^2 is off by 2 |d| / |k|, |k| = 15 per mm
the root mean square: 1.6 %."""
CROSS = 0.05
"""Of b, what imaging gradients may change it by, as the page of diffusion by spin-echo EPI has it."""


@cache
def scan() -> Sequence:
    table = sequence_protocol("b_tensor_epi_2d")
    table["quick"] |= {
        "shapes": list(SHAPES), "b_values": ["0 s/mm2", f"{B * 1e-6:g} s/mm2"], "directions": 1, "matrix": [16, 16],
        "slice_thickness": f"{THICKNESS_M * 1e3:g} mm", "repetition_time": "3000 ms", "fat_saturation": False,
    }  # fmt: skip
    return build(parse_protocol(table, quick=True), LIMITS)


def middle_rows() -> np.ndarray:
    """The row with k = 0 of each volume: without weighting and with it, shape by shape."""
    encoding = scan().encoding
    measured = encoding.flags & np.uint64(AcquisitionFlag.PHASE_CORRECTION) == 0
    rows = np.flatnonzero((encoding.counter("line") == 8) & measured)
    assert encoding.counter("repetition")[rows].tolist() == list(range(2 * len(SHAPES)))
    return rows


def tensors() -> np.ndarray:
    """What the rows of `middle_rows` carry (volume, 3, 3), s/m^2."""
    measures, rows = scan().encoding.measures, middle_rows()
    xx, yy, zz, xy, xz, yz = (measures[f"b_{name}_s_per_m2"][rows] for name in ("xx", "yy", "zz", "xy", "xz", "yz"))
    return np.moveaxis(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]), -1, 0)


def taken(diffusion: np.ndarray) -> np.ndarray:
    """-ln of what diffusion leaves of each shape's weighted volume against its own without weighting, in the virtual scanner."""
    tensor = tuple(tuple(float(value) for value in row) for row in diffusion)
    body = box((9, 1, 1), (2e-3,) * 3, replace(WATER, diffusion_tensor_m2_per_s=tensor))
    found = np.abs(samples(body, scan(), SPEC, TOLERANCE)[middle_rows(), 0]).max(axis=1).reshape(-1, 2)
    return np.asarray(-np.log(found[:, 1] / found[:, 0]))


@pytest.mark.parametrize("diffusion", [FIBRE, DISC], ids=["fibre", "disc"])
def test_every_shape_takes_what_its_tensor_says(diffusion: np.ndarray) -> None:
    found, played = taken(diffusion), tensors()
    added = np.einsum("nij,ij->n", played[1::2] - played[::2], diffusion)
    asked = np.array([B * np.sum(shape * diffusion) for shape in SHAPES.values()])
    assert np.ptp(asked) > 0.5  # the shapes tell the tensors apart
    chance = TOLERANCE * np.exp(asked) + np.exp(-10)
    assert (np.abs(found - added) < UNSURE * added + chance).all(), (found, added)
    assert (np.abs(found - asked) < (UNSURE + CROSS) * B * np.linalg.eigvalsh(diffusion)[-1] + chance).all(), (found, asked)


def test_isotropic_water_loses_as_much_in_every_shape() -> None:
    found, trace = taken(np.eye(3) * 0.8e-9), np.trace(tensors(), axis1=1, axis2=2)
    added = 0.8e-9 * (trace[1::2] - trace[::2])
    assert np.abs(found / added - 1).max() < UNSURE, (found, added)
    assert np.abs(found / found.mean() - 1).max() < UNSURE + CROSS / 2
    assert found == pytest.approx(0.8e-9 * B, rel=UNSURE + CROSS)


def test_rows_carry_what_was_played() -> None:
    """By trapezoids of 2 us from each excitation's centre to its echo, negated at the refocusing pulse's."""
    centres, uses = pulse_times(scan())
    starts, turns = centres[uses == "e"], centres[uses == "r"]
    curves = [waveform(scan(), axis) for axis in range(3)]
    for start, turn, said in zip(starts, turns, tensors(), strict=True):
        times = start + np.linspace(0, ECHO_S, round(ECHO_S / 2e-6) + 1)
        sign = np.where(times < turn, -1.0, 1.0)
        speed = 2 * np.pi * GYROMAGNETIC_RATIO_HZ_PER_T * sign * np.stack([np.interp(times, *curve) for curve in curves])
        step = np.diff(times)
        k = np.concatenate([np.zeros((3, 1)), np.cumsum(0.5 * (speed[:, 1:] + speed[:, :-1]) * step, axis=1)], axis=1)
        found = np.trapezoid(k[:, None] * k[None], times, axis=-1)
        # a corner lies up to 1 us beside the sum's steps: 2e-6 of 0.11 s, with a pulse's gradient turned that much too late
        assert np.abs(found - said).max() < 1e-4 * B
