# TRUTHS of balanced sequences: each spin's own Bloch equation through the sequence = Freeman and Hill's steady state, in the
#   bands, too | M0 of all axes and M1 of read and slice are nulled from pulse to pulse | continuous bSSFP after inversion
#   recovers with T1* = 385 ms in myocardium | MOLLI reads T1 low by what ideal pulses say | SASHA recovers T1 |
#   late enhancement nulls T1 500 ms at 333 ms | tags are as far apart as asked |
#   T2 preparation decays with T2 | neighbouring lines follow each other | the file says when to wait for the heart

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import curve_fit

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Sequence
from fullbore.errors import LimitError
from fullbore.files import read_pulseq, write_pulseq
from fullbore.recon import reconstruct
from fullbore.sequence import Protocol, Refusal, attempt, build, parse_protocol
from fullbore.sequence.balanced.view import design_view
from fullbore.sequence.moments import moments
from fullbore.sequence.sampling.orders import uncompensated_steps
from fullbore.sequence.settings import with_settings
from fullbore.signal.bloch import play
from fullbore.signal.closed_forms import balanced_steady_state
from fullbore.simulate import acquire
from fullbore.simulate.cloud import SpinCloud, play_cloud
from tests.sequence.reference import LIMITS
from tests.simulate.small import box, machine, tissue

T1_MYO, T2_MYO = 1.55, 0.045


def small(name: str, **changes: object) -> Protocol:
    table = sequence_protocol(name)
    table["quick"] = {**table.get("quick", {}), **changes}
    return parse_protocol(table, quick=True)


def signals(sequence: Sequence, t1_s: float, t2_s: float, off_Hz: tuple[float, ...] = (0.0,), spins: int = 1) -> np.ndarray:
    """(row, off-resonance) at k = 0 along read: of a spin at the isocentre, or the mean of spins in a cube of 2.5 mm.

    The cube holds whole cycles of every saturation spoiler, and the lattice (Korobov) sums each of them to nothing.
    """
    n = len(off_Hz)
    lattice = np.arange(spins)[:, None] * np.array([1, 1487, 1487**2 % spins]) / spins
    within = 2.5e-3 * (np.mod(lattice + 0.5, 1.0) - 0.5) * (spins > 1)
    full = np.full(n * spins, 1.0)
    cloud = SpinCloud(
        position_m=np.tile(within, (n, 1)),
        amount=full / spins,
        t1_s=t1_s * full,
        t2_s=t2_s * full,
        off_resonance_Hz=np.repeat(np.array(off_Hz), spins),
        b1_scale=full,
        sensitivity=np.repeat(np.eye(n, dtype=complex), spins, axis=1),
    )
    return np.asarray(play_cloud(cloud, sequence, threads=1)[:, :, sequence.encoding.centre_sample], dtype=complex)


def signed(values: np.ndarray) -> np.ndarray:
    """Real parts after the last one's phase is taken off."""
    return np.real(values * np.exp(-1j * np.angle(values[-1])))


def central(sequence: Sequence) -> np.ndarray:
    """Rows of k = 0, in order."""
    return np.flatnonzero(sequence.encoding.counter("line") == sequence.encoding.geometry.matrix[1] // 2)


def three_parameters(times_s: np.ndarray, values: np.ndarray, start: tuple[float, ...] = (1.0, 1.8, 1.0)) -> np.ndarray:
    """A, B, T of A - B exp(-t / T)."""
    scale = np.abs(values).max()
    found, _ = curve_fit(lambda t, a, b, T: a - b * np.exp(-t / T), times_s, values / scale, p0=start)
    return np.asarray(found)


def test_steady_state_and_its_bands() -> None:
    off = (0.0, 10.0, 25.0, 40.0, 50.0, 60.0, 75.0)
    changes = {"repetition_time": "10 ms", "excitation_duration": "0.5 ms", "views_per_segment": 4, "trigger_delay": "150 ms"}
    sequence = build(small("balanced_cine", slices=1, dummy_beats=20, **changes), LIMITS)
    got = np.abs(signals(sequence, 0.5, 0.1, off)[-1])
    ideal = np.abs(balanced_steady_state(0.5, 0.1, 10e-3, np.deg2rad(45), np.array(off) + 50.0)) * np.exp(-5e-3 / 0.1)
    # pulses take 5 % of the repetition time, in which the spin is not quite in the plane (Bieri, Scheffler 2009)
    assert got == pytest.approx(ideal, rel=0.02, abs=0.02 * ideal.max())
    assert got[4] < 0.25 * got[0]


def test_moments_are_nulled() -> None:
    view = design_view(small("balanced_cine", slices=1), LIMITS)
    blocks = view.views(np.array([view.phase_edge]), np.array([True]), 0.0) * 2
    centre = view.excitation_centre_s
    found = moments(blocks, start_s=centre, end_s=centre + view.spacing_s)
    largest = np.abs(view.read.values_T_per_m).max() * view.spacing_s
    assert np.abs(found[0]).max() < 1e-9 * largest
    assert np.abs(found[1, [0, 2]]).max() < 1e-9 * largest * view.spacing_s
    echo = moments(blocks, start_s=centre, end_s=centre + view.echo_time_s)
    assert np.abs(echo[0, [0, 2]]).max() < 1e-9 * largest


def test_apparent_t1_of_a_continuous_train() -> None:
    protocol = small(
        "molli", scheme="1", inversion_times=["440 ms"], trigger_delay="460 ms", matrix=[16, 256], fov=["200 mm", "400 mm"],
        repetition_time="3.2 ms", heart_period="1300 ms", excitation_duration="0.4 ms", slice_thickness="10 mm",
    )  # fmt: skip
    sequence = build(protocol, LIMITS)
    values = signed(signals(sequence, T1_MYO, T2_MYO)[:, 0])
    _, _, apparent = three_parameters(3.2e-3 * np.arange(len(values)), values, (0.3, 1.0, 0.4))
    # the closed form is the limit of short repetition times and ideal pulses; pulses of 0.4 ms are 12 % of them
    assert apparent == pytest.approx(0.385, rel=0.04)


def ideal_train(m: np.ndarray, flips: np.ndarray, tr_s: float, t1_s: float, t2_s: float, centre: int) -> tuple[float, np.ndarray]:
    """Signal at the centre view's echo and the magnetisation (x, z) after instantaneous pulses of alternating sign."""
    signal, x, z = 0.0, m[0], m[1]
    for number, flip in enumerate(flips * (-1.0) ** np.arange(len(flips))):
        x, z = x * np.cos(flip) + z * np.sin(flip), z * np.cos(flip) - x * np.sin(flip)
        if number == centre:
            signal = float(x * np.exp(-tr_s / 2 / t2_s) * (-1.0) ** number)
        x, z = x * np.exp(-tr_s / t2_s), 1 - (1 - z) * np.exp(-tr_s / t1_s)
    return signal, np.array([0.0, z])


def inverted(sequence: Sequence) -> float:
    """Mz that the sequence's own inversion pulse makes of 1 in myocardium."""
    pulse = next(pulse for pulse in sequence.rf_pulses if pulse.use == "i")
    steps, one = len(pulse.b1_T), np.ones(1)
    _, (_, z) = play(
        position_m=np.zeros((1, 3)), t1_s=T1_MYO * one, t2_s=T2_MYO * one, off_resonance_Hz=0 * one, b1_scale=one,
        weight=np.ones((1, 1)), dt_s=np.full(steps, pulse.raster_s), b1_T=np.conj(pulse.b1_T),
        gradient_T_per_m=np.zeros((steps, 3)), sampled=np.zeros(steps, dtype=bool),
    )  # fmt: skip
    return float(z[0])


def test_molli_reads_low_by_what_is_known() -> None:
    protocol = small(
        "molli",
        scheme="5(3)3",
        matrix=[16, 64],
        inversion_times=["180 ms", "260 ms"],
        excitation_duration="0.4 ms",
        slice_thickness="10 mm",
    )
    sequence = build(protocol, LIMITS)
    rows, encoding = central(sequence), sequence.encoding
    values, times = signed(signals(sequence, T1_MYO, T2_MYO)[rows, 0]), encoding.inversion_time_s[rows]
    order = np.argsort(times)
    values *= np.sign(values[order[-1]])
    a, b, apparent = three_parameters(times, values)
    found = apparent * (b / a - 1)
    tr, flip = 4e-3, np.deg2rad(35)
    flips = flip * np.concatenate([(np.arange(5) + 0.5) / 5, np.ones(64)])
    lead, length = (5 + 32) * tr, (5 + 64) * tr
    z, ideal, played = 1.0, [], 0.0
    for first, images, pause in ((0.18, 5, 3), (0.26, 3, 0)):
        for number in range(images):
            if number == 0:
                z = 1 - (1 - z) * np.exp(-(1.0 - length - (first - lead) if played else 1.0) / T1_MYO)
                z = 1 - (1 - inverted(sequence) * z) * np.exp(-(first - lead) / T1_MYO)
            else:
                z = 1 - (1 - z) * np.exp(-(1.0 - length) / T1_MYO)
            signal, m = ideal_train(np.array([0.0, z]), flips, tr, T1_MYO, T2_MYO, 5 + 32)
            ideal.append(signal)
            z, played = m[1], 1.0
        z = 1 - (1 - z) * np.exp(-pause * 1.0 / T1_MYO)
    wanted = three_parameters(times, np.array(ideal))
    known = wanted[2] * (wanted[1] / wanted[0] - 1)
    assert found == pytest.approx(known, rel=0.02)  # pulses of 0.4 ms against instantaneous ones
    assert 0.80 * T1_MYO < found < 0.97 * T1_MYO


@pytest.mark.parametrize(("t1_s", "t2_s"), [(1.2, 0.03), (T1_MYO, T2_MYO)])
def test_sasha_recovers_t1(t1_s: float, t2_s: float) -> None:
    delays = [f"{ms} ms" for ms in (150, 260, 350, 450, 600)]
    sequence = build(small("sasha", saturation_delays=delays, trigger_delay="730 ms"), LIMITS)
    rows = central(sequence)
    values = signed(signals(sequence, t1_s, t2_s, spins=1021)[rows, 0])
    times = sequence.encoding.measures["saturation_delay_s"][rows]
    _, _, found = three_parameters(np.where(np.isnan(times), 1e3, times), values, (1.0, 1.0, 1.0))
    assert found == pytest.approx(t1_s, rel=5e-3)  # saturation leaves up to 0.5 % of Mz


def test_t2_preparation_decays() -> None:
    protocol = small("t2_prepared_balanced", preparation_times=["0 ms", "35 ms", "55 ms"], pause_beats=12)
    sequence = build(protocol, LIMITS)
    first, second, third = signed(signals(sequence, T1_MYO, T2_MYO)[central(sequence), 0])
    wanted = (1 - np.exp(-35 / 45)) / (1 - np.exp(-55 / 45))  # a train is linear in what it starts from: a exp(-t / T2) + b
    assert (first - second) / (first - third) == pytest.approx(wanted, rel=0.01)  # T1 during tip up and spoiling


def null_s(efficiency: float, t1_s: float, between_s: float) -> float:
    """Inversion time at which Mz is nothing, in the steady state of inversions so far apart."""
    left = np.exp(-between_s / t1_s)
    return float(t1_s * np.log(1 + efficiency * (1 - left) / (1 + efficiency * left)))


def test_late_enhancement_nulls_myocardium() -> None:
    assert null_s(1.0, 0.5, 1.8) == pytest.approx(0.333, abs=0.5e-3)
    fields = {
        "heart_period": "900 ms",
        "dummy_pairs": 2,
        "start_up_views": 1,
        "flip_angle": "2 deg",
        "reference_flip_angle": "2 deg",
    }
    adiabatic = -inverted(build(small("late_enhancement"), LIMITS))  # 10 ms of pulse cost a spin of T2 45 ms some of it
    sequence = build(small("late_enhancement", inversion_time=f"{null_s(adiabatic, 0.5, 1.8) * 1e3:.2f} ms", **fields), LIMITS)
    values, encoding = signals(sequence, 0.5, 0.045, spins=1021)[:, 0], sequence.encoding
    here = encoding.counter("line") == 16
    recovered, reference = (values[here & (encoding.counter("set") == number)][-1] for number in (0, 1))
    # two degrees a view, 17 views: Mz is 1 % less than without them; 333 ms would leave 4 % of the reference
    assert abs(np.real(recovered / reference)) < 0.015


def test_tags_are_so_far_apart() -> None:
    sequence = build(small("tagged_cine", start_up_views=1, heart_period="12000 ms"), LIMITS)
    places, depth = 7e-3 * np.array([0.0, 0.125, 0.25, 0.5, 1.0, 1.5]), 2.5e-3 * (np.arange(200) / 200 - 0.5)
    position = np.zeros((len(places), len(depth), 3))
    position[..., 0], position[..., 2] = places[:, None], depth
    full = np.ones(position.shape[0] * position.shape[1])
    cloud = SpinCloud(
        position_m=position.reshape(-1, 3), amount=full, t1_s=T1_MYO * full, t2_s=T2_MYO * full, off_resonance_Hz=0 * full,
        b1_scale=full, sensitivity=np.repeat(np.eye(len(places), dtype=complex), len(depth), axis=1),
    )  # fmt: skip
    samples = play_cloud(cloud, sequence, threads=1)[:, :, sequence.encoding.centre_sample]
    first = [samples[np.flatnonzero(sequence.encoding.counter("set") == number)[0]] for number in (0, 1)]
    tags = np.real((first[0] - first[1]) / (first[0] - first[1])[0])
    assert tags == pytest.approx(np.cos(2 * np.pi * places / 7e-3), abs=0.01)  # spins relax while they are tagged


@pytest.mark.slow
def test_cine_shows_a_box() -> None:
    changes = {"matrix": [16, 16], "phases": 2, "trigger_delay": "60 ms", "heart_period": "100 ms"}
    sequence = build(small("balanced_cine", slices=1, **changes), LIMITS)
    object_ = box(shape=(3, 20, 40), spacing_m=(2.5e-3, 2.5e-3, 2.5e-3), kind=tissue(t1=0.3, t2=0.1))
    image = reconstruct(acquire(object_, sequence, machine(b1=False, coils=False), engine="spins"))
    assert image.values.shape == (2, 1, 16, 16)
    shown = np.abs(image.values[-1, 0])
    # 100 mm along read and 50 mm along phase, 12.5 mm a pixel: edges at half height
    assert abs((shown[8] > 0.5 * shown[8, 8]).sum() - 8) <= 1
    assert abs((shown[:, 8] > 0.5 * shown[8, 8]).sum() - 4) <= 1


def test_neighbours_follow_each_other() -> None:
    sequence = build(small("balanced_cine", slices=1), LIMITS)
    encoding = sequence.encoding
    for phase in range(4):
        for segment in range(4):
            here = (encoding.counter("phase") == phase) & (encoding.counter("segment") == segment)
            assert uncompensated_steps(encoding.counter("line")[here]).max() == 1


@pytest.mark.parametrize(("name", "beats"), [("balanced_cine", 2), ("molli", 4), ("sasha", 3), ("t2_prepared_balanced", 3)])
def test_the_file_waits_for_the_heart(name: str, beats: int, tmp_path: Path) -> None:
    sequence = build(small(name), LIMITS)
    write_pulseq(sequence, tmp_path / "triggered.seq")
    again = read_pulseq(tmp_path / "triggered.seq")
    assert [sign.kind for sign in again.triggers] == ["trigger"] * beats
    starts = again.block_starts_s()[[sign.block for sign in again.triggers]]
    if name != "balanced_cine":
        assert np.diff(starts) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    "times", [["20 ms", "20 ms"], ["20 ms", "30 ms"], ["10 ms", "200 ms"], ["900 ms", "980 ms"], ["3000 ms", "20 ms"]]
)
def test_advised_inversion_times_differ_and_are_legal(times: list[str]) -> None:
    changes: dict = {"inversion_times": times}
    for _ in range(3):
        with pytest.raises(Refusal) as refused:
            attempt(small("molli", **changes), LIMITS)
        changes[refused.value.field] = refused.value.legal
        if refused.value.field == "inversion_times":
            assert isinstance(refused.value.legal, tuple) and len(set(refused.value.legal)) == 2
            break
    asked: Any = with_settings(small("molli"), {"inversion_times": refused.value.legal})
    played = build(asked, LIMITS).encoding.parameters
    assert played["inversions"] == 2


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("balanced_cine", {"repetition_time": "1.5 ms"}, "repetition_time"),
        ("balanced_cine", {"phases": 40}, "phases"),
        ("balanced_cine", {"views_per_segment": 7}, "views_per_segment"),
        ("balanced_cine", {"slice_thickness": "0.5 mm"}, "slice_thickness"),
        ("balanced_cine", {"heart_period": "20 ms"}, "heart_period"),
        ("balanced_cine", {"start_up": "half", "excitation_duration": "2 ms"}, "repetition_time"),
        ("molli", {"inversion_times": ["20 ms", "20 ms"]}, "inversion_times"),
        ("molli", {"scheme": "2(1)1(1)1"}, "inversion_times"),
        ("molli", {"trigger_delay": "50 ms"}, "trigger_delay"),
        ("molli", {"heart_period": "500 ms"}, "heart_period"),
        ("sasha", {"saturation_delays": ["900 ms"]}, "saturation_delays"),
        ("t2_prepared_balanced", {"preparation_times": ["0 ms", "3 ms"]}, "preparation_times"),
        ("late_enhancement", {"inversion_time": "40 ms"}, "inversion_time"),
        ("late_enhancement", {"views_per_segment": 7}, "views_per_segment"),
        ("t2_prepared_balanced", {"bandwidth": "20000 Hz/px"}, "bandwidth"),
        ("t2_prepared_balanced", {"flip_angle": "170 deg"}, "flip_angle"),
    ],
)
def test_a_refusal_names_field_and_legal_value(name: str, changes: dict, field: str) -> None:
    with pytest.raises(LimitError) as refusal:
        build(small(name, **changes), LIMITS)
    text = str(refusal.value)
    assert f": {field}: got" in text
    assert f"Set {field} to that" in text
