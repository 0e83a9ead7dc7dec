# TRUTHS of 2D time of flight: in the virtual scanner, blood that flows through the slice stands out from tissue at rest by the
#   closed form of excitations since it entered, over the slice's own profile: slow flow is between, flow that renews the slice
#   within a repetition is fresh | blood at rest is as tissue at rest | a thick slice saturates what a thin one renews

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Flow, Phantom, Sequence
from fullbore.phantom.flowing import STEADY
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.recon import reconstruct
from fullbore.sequence import build, parse_protocol
from fullbore.sequence.pulses import pulse_response
from fullbore.simulate import acquire
from tests.simulate.small import box, machine, tissue

LOUD = machine(b1=False, coils=False)
SPEC = replace(LOUD, receive=replace(LOUD.receive, noise_covariance=1e-12 * LOUD.receive.noise_covariance))
T1_S, T2_S, REPETITION_S, RADIUS_M, LENGTH_M, SPINS = 1.2, 4e-3, 25e-3, 10e-3, 48e-3, 20_000
"""T2: of what is left of a repetition, exp(-25 / 4) = 0.2 %, which would take many spins to spoil."""
BOUND = 0.05
"""Places of 2500 spins in a slice of 6 mm, were they by chance, 2 %; blood is 0.4 mm on while a pulse of 1.6 ms plays at 0.24
m/s, a fifteenth of the slice, and half of that is the pulse's own middle: 3 %."""


def scan(thickness_m: float) -> Sequence:
    table = sequence_protocol("tof_2d")
    table["quick"] |= {
        "fov": ["80 mm", "80 mm"], "matrix": [16, 16], "slices": 1, "slice_thickness": f"{thickness_m * 1e3:g} mm",
        "dummy_views": 20, "repetition_time": f"{REPETITION_S * 1e3:g} ms", "flip_angle": "60 deg",
    }  # fmt: skip
    return build(parse_protocol(table, quick=True), SPEC.limits)


def vessel(velocity: float) -> Phantom:
    """Blood in a straight vessel along z, as fast on its wall as on its axis; it comes in fresh. At rest it is tissue at rest."""
    whole = box((2 * round(LENGTH_M / 8e-3) + 3, 7, 7), (4e-3,) * 3, tissue("blood", T1_S, T2_S))
    points = whole.grid.points_m()
    inside = (np.abs(points[..., 2]) < LENGTH_M / 2 + 4e-3) & (np.hypot(points[..., 0], points[..., 1]) < RADIUS_M + 4e-3)
    flow = Flow(
        path_m=np.outer([-LENGTH_M / 2, LENGTH_M / 2], [0.0, 0.0, 1.0]), radius_m=RADIUS_M, peak_velocity_m_per_s=velocity,
        pace=STEADY, laminar=False, fills=True,
    )  # fmt: skip
    return replace(whole, fractions=inside[None].astype(np.float32), flows=(flow,))


def closed_form(played: Sequence, velocity: float) -> float:
    """Signal per area of a vessel, of equilibrium 1: the sum over places z at an excitation of Mxy, after the pulses felt at
    z - n v TR since z - n v TR was at the entrance, Mz relaxing between them: the closed form of n excitations
    since entry, (cos a)^n in a rectangular slice, over the slice's own profile."""
    pulse, block = played.rf_pulses[0], int(np.flatnonzero(played.rf == 0)[0])
    values = played.gradients[played.gradient[block, 2]].values_T_per_m * played.gradient_scale[block, 2]
    per_m = float(np.abs(values).max()) * GYROMAGNETIC_RATIO_HZ_PER_T
    place = np.linspace(-LENGTH_M / 2, LENGTH_M / 2, 801)
    mz, decay = np.ones(len(place)), np.exp(-(REPETITION_S - pulse.duration_s) / T1_S)
    relaxing = {"t1_s": T1_S, "t2_s": T2_S}
    for past in range(28, 0, -1):
        then = place - past * velocity * REPETITION_S
        whole, grown = (pulse_response(pulse, offset_Hz=per_m * then, start=(0.0, m), **relaxing)[1] for m in (1.0, 0.0))
        left = np.where(then > -LENGTH_M / 2, grown + (whole - grown) * mz, 1.0)
        mz = 1 + (left - 1) * decay
    mxy = pulse_response(pulse, offset_Hz=per_m * place, rephased=True, **relaxing)[0] * mz
    return float(abs(np.trapezoid(mxy, place)))


def total(played: Sequence, velocity: float) -> complex:
    """Of the image: the middle of k-space, which does not ring."""
    return complex(reconstruct(acquire(vessel(velocity), played, SPEC, engine="spins", spins=SPINS)).values.sum())


@pytest.mark.slow
@pytest.mark.parametrize("thickness_m", [6e-3, 12e-3])
def test_inflow_is_the_closed_form(thickness_m: float) -> None:
    played = scan(thickness_m)
    rest, expected_rest, body = total(played, 0.0), closed_form(played, 0.0), vessel(0.0)
    middle = body.fractions[0, body.grid.shape[0] // 2]
    held_m2 = float(middle.sum() * np.prod(body.grid.spacing_m[:2]))  # blood within the vessel, and about it what stays at rest
    for velocity in (0.08, 0.24):
        more = abs(total(played, velocity) / rest) - 1
        found, expected = 1 + more * held_m2 / (np.pi * RADIUS_M**2), closed_form(played, velocity) / expected_rest
        assert found == pytest.approx(expected, rel=BOUND), (found, expected)
