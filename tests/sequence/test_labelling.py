# TRUTHS of labelled blood: scanned by PCASL, blood in a pipe is inverted by what the Bloch equation says for its speed, less what
#   T1 has taken since it passed the plane | so inverted, 60 ml / 100 g / min make 0.00695 M0 times efficiency / 0.85

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Flow, Phantom, Sequence
from fullbore.phantom.flowing import STEADY
from fullbore.recon import reconstruct
from fullbore.sequence import build, parse_protocol
from fullbore.simulate import acquire
from tests.sequence.test_prepared import flowing_mz
from tests.simulate.small import box, machine, tissue

LOUD = machine(b1=False, coils=False)
SPEC = replace(LOUD, receive=replace(LOUD.receive, noise_covariance=1e-12 * LOUD.receive.noise_covariance))
SPEED_M_PER_S, PLANE_M, T1_S, T2_S = 0.2, -90e-3, 1.65, 0.15
SMALL = {
    "fov": ["64 mm", "64 mm"], "matrix": [16, 16], "slices": 1, "slice_thickness": "10 mm", "repetition_time": "1000 ms",
    "label_duration": "600 ms", "post_label_delay": "300 ms", "pairs": 1, "calibration": True, "fat_saturation": False,
    "background_suppression": False,
}  # fmt: skip


def scanned() -> Sequence:
    table = sequence_protocol("pcasl_epi_2d")
    table["quick"] = {**table["quick"], **SMALL}
    return build(parse_protocol(table, quick=True), SPEC.limits)


def artery() -> Phantom:
    """Blood of one speed in a straight pipe through the plane and the slice; it comes in fresh.

    It passes the pipe in one repetition, so that every image is of the same spins at the same places.
    """
    low, high, radius = -140e-3, 60e-3, 14e-3
    flow = Flow(
        path_m=np.array([[0.0, 0.0, low], [0.0, 0.0, high]]), radius_m=radius, peak_velocity_m_per_s=SPEED_M_PER_S, pace=STEADY,
        laminar=False, fills=True,
    )  # fmt: skip
    body = box((53, 9, 9), (4e-3,) * 3, tissue("blood", T1_S, T2_S), (0.0, 0.0, (low + high) / 2))
    points = body.grid.points_m()
    inside = np.hypot(points[..., 0], points[..., 1]) < radius - 4e-3  # the flow fills the pipe, and there is none beside it
    return replace(body, fractions=inside[None].astype(np.float32), flows=(flow,))


@pytest.mark.slow
def test_a_scan_shows_the_inversion_downstream() -> None:
    played = scanned()
    image = reconstruct(acquire(artery(), played, SPEC, engine="spins", spins=2500))
    sets = image.values.reshape(3, 16, 16)
    place = played.encoding.geometry.grid().points_m()[0]
    inside = np.hypot(place[..., 0], place[..., 1]) < 7e-3
    whole = sets[2][inside]
    label, control = (np.vdot(whole, part[inside]).real / np.vdot(whole, whole).real for part in sets[:2])
    kept = np.exp(-abs(PLANE_M) / SPEED_M_PER_S / T1_S)
    bloch = [flowing_mz(played, number, np.array([SPEED_M_PER_S]), PLANE_M)[0] for number in (0, 1)]
    found, wanted = (control - label) / 2 / kept, (bloch[1] - bloch[0]) / 2
    assert wanted > 0.85
    assert found == pytest.approx(wanted, abs=0.005)  # over the slice blood passed the plane within 50 ms of the mean time
    made = 2 * found * 60 / 6000 / 0.9 * T1_S * np.exp(-1.8 / T1_S) * (1 - np.exp(-1.8 / T1_S))
    assert made == pytest.approx(0.00695 * found / 0.85, rel=1e-3)
