# TRUTHS of labelled blood: scanned by PCASL, blood in a pipe is inverted by what the Bloch equation says for its speed, less what
#   T1 has taken since it passed the plane | so inverted, 60 ml / 100 g / min make 0.00695 M0 times efficiency / 0.85 | a voxel
#   that an artery feeds with 60 ml / 100 g / min, scanned, shows that: control less label over M0 = 0.00695 at 0.85 | fed by
#   nothing it shows nothing

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import AcquisitionFlag, Flow, Phantom, RawData, Sequence
from fullbore.numerics.vessel import Vessel
from fullbore.phantom.flowing import STEADY
from fullbore.recon import reconstruct
from fullbore.sequence import build, parse_protocol
from fullbore.simulate import acquire
from fullbore.simulate.cloud import SpinCloud, acquire_cloud
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


PERFUSION_PER_S, PARTITION, FED_AT_M_PER_S = 60 / 6000, 0.9, 0.25
BLOCK_M = np.array([28e-3, 28e-3, 21e-3])
FEED_M, MOUTH_M, WIDE_M, OUTLET_M = -130e-3, -13.6e-3, -9.6e-3, 10.4e-3
HOLDS_S = 4.6
"""What the artery's wide part holds, as the time that its flow takes to fill it: more than label and delay together."""


def scanned(**changes: object) -> Sequence:
    table = sequence_protocol("pcasl_epi_2d")
    table["quick"] = {**table["quick"], **SMALL, **changes}
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


def feeder() -> Flow:
    """An artery that brings the block its perfusion, and widens within it: blood creeps there and does not leave in time."""
    flux = PERFUSION_PER_S / PARTITION * float(np.prod(BLOCK_M))
    thin, wide = (np.sqrt(area / np.pi) for area in (flux / FED_AT_M_PER_S, HOLDS_S * flux / (OUTLET_M - WIDE_M)))
    along = np.linspace(FEED_M, OUTLET_M, 282)
    share = np.clip((along - MOUTH_M) / (WIDE_M - MOUTH_M), 0, 1)
    radius = thin * (wide / thin) ** (share**3 * (10 - 15 * share + 6 * share**2))
    path = np.stack([0 * along, 0 * along, along], axis=1)
    return Flow(path_m=path, radius_m=radius, peak_velocity_m_per_s=FED_AT_M_PER_S, pace=STEADY, laminar=False)


def perfused(flow: Flow, count: int) -> SpinCloud:
    """A block of tissue that holds the artery's wide part; blood, of the same T1 and T2, as spins of equal volumes.

    `count` spins of blood, evenly spaced in the volume passed and across (sunflower); 1001 of tissue on a lattice (Fibonacci).
    """
    vessel = Vessel(flow)
    number = np.arange(count) + 0.5
    streams = vessel.enter(np.array([[0.0, 0.0, FEED_M + 1e-6]]))
    turn = number * np.pi * (3 - np.sqrt(5))
    across = np.sqrt(np.mod(number * 0.7548776662, 1.0))[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    whole = float(streams.length_m[0])
    spread = replace(
        streams, across=across, begin_m=whole * number / count, length_m=np.full(count, whole),
        velocity_m_per_s=np.full(count, FED_AT_M_PER_S),
    )  # fmt: skip
    blood = vessel.places(spread, np.zeros(1), np.zeros(count))[0]
    still = 1001
    lattice = np.mod(np.arange(still)[:, None] * np.array([1, 610, 377]) / still + 0.5 / still, 1.0) - 0.5
    tissue_m3 = float(np.prod(BLOCK_M)) - np.pi * float(np.asarray(flow.radius_m)[-1]) ** 2 * (OUTLET_M - WIDE_M)
    volume = whole * np.pi * float(np.asarray(flow.radius_m)[0]) ** 2
    n = count + still
    return SpinCloud(
        position_m=np.concatenate([blood, lattice * BLOCK_M]),
        amount=np.repeat([volume / count, tissue_m3 / still], [count, still]),
        t1_s=np.full(n, T1_S), t2_s=np.full(n, T2_S), off_resonance_Hz=np.zeros(n), b1_scale=np.ones(n),
        sensitivity=np.ones((SPEC.receive.coils, n), complex), flows=(flow,), flow=np.repeat([0, -1], [count, still]),
    )  # fmt: skip


def integrals(raw: RawData) -> np.ndarray:
    """(label, control, M0) of everything in the slice: the signal at k = 0, by a cubic through the four samples about it."""
    table = raw.encoding
    rows = np.flatnonzero((table.counter("line") == 8) & ((table.flags & int(AcquisitionFlag.PHASE_CORRECTION)) == 0))
    found = np.zeros(3, complex)
    for row in rows:
        k = table.take(np.array([row])).trajectory_per_m()[0] @ table.geometry.read
        near = np.sort(np.argsort(np.abs(k))[:4])
        found[table.counter("set")[row]] = lagrange_weights(k[near]) @ raw.samples[row].mean(axis=0)[near]
    return found


def lagrange_weights(x: np.ndarray) -> np.ndarray:
    """What values at x weigh in the polynomial through them at 0."""
    return np.array([np.prod([-b / (a - b) for b in x if b != a]) for a in x])


@pytest.mark.slow
def test_a_perfused_voxel_is_brighter_in_control() -> None:
    """Buxton's compartment: what the artery has brought of label is in the voxel, and has decayed with blood's T1 (1.65 s)."""
    played = scanned(slice_thickness="80 mm", repetition_time="12 s", label_duration="1800 ms", post_label_delay="1800 ms")
    label, control, m0 = integrals(acquire_cloud(perfused(feeder(), 400), played, SPEC))
    found = float(((control - label) / m0).real)
    bloch = [flowing_mz(played, number, np.array([FED_AT_M_PER_S]), PLANE_M)[0] for number in (0, 1)]
    efficiency = float(bloch[1] - bloch[0]) / 2
    duration, delay = (played.encoding.parameters[name] for name in ("label_duration_s", "post_label_delay_s"))
    grown = np.exp(-delay / T1_S) * (1 - np.exp(-duration / T1_S))
    # half a spin of the 134 labelled ones, 4e-3; the profile of the slice over the block, 3e-3; Bloch's own steps, 1e-3
    assert found == pytest.approx(2 * efficiency * PERFUSION_PER_S / PARTITION * T1_S * grown, rel=0.01)
    assert found * 0.85 / efficiency == pytest.approx(0.00695, rel=0.01)


def test_a_voxel_that_nothing_feeds_is_the_same_in_both() -> None:
    played = scanned(slice_thickness="80 mm", repetition_time="12 s", label_duration="1800 ms", post_label_delay="1800 ms")
    still = perfused(replace(feeder(), peak_velocity_m_per_s=0.0), 400)
    label, control, m0 = integrals(acquire_cloud(still, played, SPEC))
    assert abs((control - label) / m0) < 1e-5
