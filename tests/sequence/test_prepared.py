# TRUTHS of prepared sequences: T1rho: trains begin at the centre of k-space; locks of 10, 20, 40 ms leave .779, .607, .368
#   where T1rho is 40 ms, by spins that resolve every spoiler's comb | CEST: water's Z-spectrum is symmetric and the closed form
#   of a continuous wave | PCASL: dM/M0 .00695 at 60 ml/100 g/min by the sequence's own times | blood at 20 to 40 cm/s is
#   inverted by more than .85 between label and control, tissue that stays is not | background suppression leaves less than a
#   tenth of WM, GM and CSF | impossible protocols: a legal value is named

from __future__ import annotations

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Sequence
from fullbore.errors import LimitError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.physics.perfusion import exponential_answer
from fullbore.recon import reconstruct
from fullbore.sequence import build, parse_protocol
from fullbore.sequence.prepared.arterial_spin_labelling import SUPPRESSED_T1_S, suppressed
from fullbore.sequence.prepared.t1rho import centric_trains
from fullbore.signal import play
from fullbore.simulate import acquire
from fullbore.simulate.cloud import SpinCloud, play_cloud
from tests.sequence.reference import LIMITS, pulse_times
from tests.simulate.small import box, machine, tissue


def built(name: str, quick: bool = True, **changes: object) -> Sequence:
    table = sequence_protocol(name)
    table["quick" if quick else "protocol"] |= changes
    return build(parse_protocol(table, quick=quick), LIMITS)


def test_trains_begin_at_the_centre() -> None:
    trains = centric_trains((16, 8), (0.16, 0.08), 32)
    points = np.concatenate(trains)
    assert len(np.unique(points, axis=0)) == 16 * 8
    far = [np.hypot((train[:, 0] - 8) / 0.16, (train[:, 1] - 4) / 0.08) for train in trains]
    assert all(np.all(np.diff(k) >= -1e-9) for k in far)
    assert max(k[0] for k in far) <= 1 / 0.08


@pytest.mark.slow
def test_locks_leave_the_exponential() -> None:
    """Spins in a cube of 2.5 mm, which holds whole cycles of every spoiler: a stimulated echo between shots would be heard."""
    times = (0.4e-3, 10e-3, 20e-3, 40e-3)
    small = {"matrix": [32, 4, 4], "fov": ["80 mm", "10 mm", "10 mm"], "views_per_train": 16}
    sequence = built("t1rho_3d", spin_lock_times=[f"{1e3 * t} ms" for t in times], **small)
    spins = 509
    lattice = np.mod(np.arange(spins)[:, None] * np.array([1, 1487, 1487**2 % spins]) / spins + 0.5, 1.0) - 0.5
    full = np.ones(spins)
    cloud = SpinCloud(
        position_m=2.5e-3 * lattice, amount=full / spins, t1_s=0.8 * full, t2_s=0.06 * full, t1rho_s=0.04 * full,
        off_resonance_Hz=0 * full, b1_scale=full, sensitivity=np.ones((1, spins), complex),
    )  # fmt: skip
    table = sequence.encoding
    middle = (table.counter("line") == 2) & (table.counter("partition") == 2)
    heard = play_cloud(cloud, sequence)[middle, 0, table.centre_sample]
    image = np.array([abs(heard[table.counter("set")[middle] == number].sum()) for number in range(4)])
    kept = image[1:] / image[0] * np.exp(-times[0] / 0.04)
    # what saturations leave of what they find: up to 1e-3 of M0, of .53 at the lock; and the comb of so few spins: as much
    assert kept == pytest.approx([0.7788, 0.6065, 0.3679], abs=4e-3)


def test_z_spectrum_of_water_is_the_closed_form() -> None:
    ppm = (-300.0, 3.5, -3.5, 1.0, -1.0, 0.5, -0.5)
    small = {"offsets_ppm": list(ppm), "matrix": [16, 16], "fov": ["96 mm", "96 mm"], "fat_saturation": False}
    train = {"saturation_pulses": 1, "saturation_duration": "1 s", "saturation_shape": "block", "repetition_time": "8 s"}
    sequence = built("saturation_transfer_epi_2d", **small, **train)
    t1, t2 = 1.0, 0.08
    body = box(shape=(5, 8, 8), spacing_m=(4e-3,) * 3, kind=tissue(t1=t1, t2=t2))
    image = np.abs(reconstruct(acquire(body, sequence, machine(b1=False, coils=False))).values)
    signal = image.reshape(len(ppm), 16, 16)[:, 8, 8]
    spectrum = signal[1:] / signal[0]
    offset = 2 * np.pi * np.array(ppm[1:]) * 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * 3.0
    tan = GYROMAGNETIC_RATIO_RAD_PER_S_T * 2e-6 / np.abs(offset)
    cos2 = 1 / (1 + tan**2)
    rate = cos2 / t1 + (1 - cos2) / t2
    steady = np.sqrt(cos2) / t1 / rate
    before = np.cos(np.arctan(tan))  # a share of Mz along the effective field
    after = np.sqrt(cos2) * (steady + (before - steady) * np.exp(-rate * 1.0))
    recovered = 1 - (1 - after) * np.exp(-sequence.encoding.parameters["saturation_to_excitation_s"] / t1)
    # the closed form drops what turns about the effective field, which T2 damps to exp(-12), and R2 - R1 over it: 5e-3
    assert spectrum == pytest.approx(recovered, abs=5e-3)
    assert spectrum[::2] == pytest.approx(spectrum[1::2], abs=2e-3)


def test_offsets_are_measures() -> None:
    encoding = built("saturation_transfer_epi_2d").encoding
    first = np.flatnonzero(np.diff(encoding.counter("repetition"), prepend=-1))
    larmor = 3.0 * GYROMAGNETIC_RATIO_HZ_PER_T * 1e-6
    assert encoding.measures["saturation_offset_Hz"][first] / larmor == pytest.approx([-300.0, 3.5, -3.5])
    assert np.allclose(encoding.measures["b1_rms_T"], 2e-6)


def test_perfusion_signal_by_the_sequences_own_times() -> None:
    sequence = built("pcasl_epi_2d", quick=False, pairs=1, slices=1)
    times, uses = pulse_times(sequence)
    starts = sequence.block_starts_s()
    label = np.flatnonzero((sequence.rf >= 0) & (np.abs(sequence.duration_s - 1.2e-3) < 1e-9))
    run = label[: int(1.8 / 1.2e-3)]
    assert np.all(np.diff(run) == 1)
    duration = starts[run[-1]] + 1.2e-3 - starts[run[0]]
    delay = times[np.isin(uses, ("e",)) & (times > starts[run[-1]])][0] - starts[run[-1]] - 1.2e-3
    t1, flow, efficiency, partition = 1.65, 60 / 6000, 0.85, 0.9
    change = 2 * efficiency * flow * t1 / partition * np.exp(-delay / t1) * (1 - np.exp(-duration / t1))
    assert change == pytest.approx(0.00695, abs=5e-6)  # the published value has three digits
    assert delay == pytest.approx(np.nanmin(sequence.encoding.measures["post_label_delay_s"]), abs=1e-6)
    clock = np.linspace(0.0, duration + delay, 20001)
    arriving = np.where(clock <= duration, 2 * efficiency * flow / partition, 0.0)
    assert exponential_answer(clock, arriving, 1 / t1)[-1] == pytest.approx(change, rel=1e-4)


@pytest.mark.parametrize("balanced", [False, True])
def test_flowing_blood_is_inverted(balanced: bool) -> None:
    sequence = built("pcasl_epi_2d", slices=1, balanced=balanced, background_suppression=False, calibration=False)
    label, control = (flowing_mz(sequence, image, np.array([0.2, 0.3, 0.4]), -90e-3) for image in (0, 1))
    assert np.all((control - label) / 2 > 0.85)


@pytest.mark.parametrize("balanced", [False, True])
def test_tissue_that_stays_is_the_same_in_both(balanced: bool) -> None:
    sequence = built("pcasl_epi_2d", slices=1, balanced=balanced, background_suppression=False, calibration=False)
    for place_m in (-10e-3, 0.0, 10e-3):
        label, control = (flowing_mz(sequence, image, np.zeros(1), place_m)[0] for image in (0, 1))
        # of M0, 0.18 s of pulses 80 mm away and more; perfusion makes 7e-3 of all 1.8 s
        assert abs(control - label) < 2e-4


def flowing_mz(
    sequence: Sequence, image: int, speed_m_per_s: np.ndarray, plane_m: float, before: int = 75, after: int = 75
) -> np.ndarray:
    """Mz of spins that cross the plane between so many label pulses; relaxation since is undone."""
    period, pulses, step = 1.2e-3, before + after, 5e-6  # steps of 20 us find 1.5 % more
    label = np.flatnonzero((sequence.rf >= 0) & (np.abs(sequence.duration_s - period) < 1e-9))
    blocks = label[image * (len(label) // 2) :][:pulses]
    t = (np.arange(round(period / step)) + 0.5) * step
    b1, gradient = [], []
    for block in blocks:
        pulse = sequence.rf_pulses[sequence.rf[block]]
        index = np.floor((t - pulse.delay_s) / pulse.raster_s).astype(int)
        inside = (index >= 0) & (index < len(pulse.b1_T))
        turns = sequence.rf_frequency_Hz[block] * (t - pulse.delay_s) + sequence.rf_phase_rad[block] / (2 * np.pi)
        b1.append(np.where(inside, pulse.b1_T[np.clip(index, 0, len(pulse.b1_T) - 1)] * np.exp(2j * np.pi * turns), 0))
        shape = sequence.gradients[sequence.gradient[block, 2]]
        edges = np.append(t - step / 2, t[-1] + step / 2)
        gradient.append(np.diff(shape.area_until_T_s_per_m(edges)) / step * sequence.gradient_scale[block, 2])
    along = np.concatenate(gradient)
    clock = (np.arange(len(along)) + 0.5) * step - before * period
    n = len(speed_m_per_s)
    # the field of a moving spin, G (plane + v t), is that of a still one at (plane, v) under the gradients (G, G t)
    _, (_, mz) = play(
        position_m=np.stack([np.full(n, plane_m), speed_m_per_s, np.zeros(n)], axis=1),
        t1_s=np.full(n, 1.65),
        t2_s=np.full(n, 0.15),
        off_resonance_Hz=np.zeros(n),
        b1_scale=np.ones(n),
        weight=np.zeros((0, n)),
        dt_s=np.full(len(along), step),
        b1_T=np.conj(np.concatenate(b1)),
        gradient_T_per_m=np.stack([along, along * clock, np.zeros(len(along))], axis=1),
        sampled=np.zeros(len(along), dtype=bool),
    )
    return np.asarray(1 - (1 - mz) * np.exp(after * period / 1.65))


def test_background_is_suppressed() -> None:
    sequence = built("pcasl_epi_2d", quick=False, pairs=1, slices=1, calibration=False)
    parameters = sequence.encoding.parameters
    stated = (parameters["inversion_1_s"], parameters["inversion_2_s"])
    times, uses = pulse_times(sequence)
    excited = times[np.isin(uses, ("e",))][0]
    assert stated == pytest.approx(tuple(excited - times[np.isin(uses, ("i",))][:2]), abs=1e-9)
    residue = suppressed(np.array(SUPPRESSED_T1_S), parameters["saturation_s"], stated)
    assert np.abs(residue).max() < 0.1


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("t1rho_3d", "spin_lock_b1", "30 uT"),
        ("t1rho_3d", "spin_lock_times", ["10.01 ms", "20 ms"]),
        ("t1rho_3d", "recovery_time", "1 ms"),
        ("t1rho_3d", "echo_spacing", "2 ms"),
        ("saturation_transfer_epi_2d", "saturation_b1", "40 uT"),
        ("saturation_transfer_epi_2d", "repetition_time", "100 ms"),
        ("saturation_transfer_epi_2d", "saturation_gap", "0 ms"),
        ("saturation_transfer_epi_2d", "slice_thickness", "0.2 mm"),
        ("pcasl_epi_2d", "post_label_delay", "20 ms"),
        ("pcasl_epi_2d", "label_period", "0.6 ms"),
        ("pcasl_epi_2d", "label_gradient", "40 mT/m"),
        ("pcasl_epi_2d", "label_offset", "0 mm"),
        ("pcasl_epi_2d", "echo_time", "2 ms"),
    ],
)
def test_impossible_protocols_are_refused_with_a_legal_value(name: str, field: str, value: object) -> None:
    with pytest.raises(LimitError, match=f"{field}: got .* is ") as refusal:
        built(name, **{field: value})
    assert "no legal value" not in str(refusal.value)
