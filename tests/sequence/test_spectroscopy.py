# TRUTHS of single-voxel spectroscopy: the voxel has the edges asked for, where it was asked for, tilted and off centre, and
#   nothing comes from beyond it | echo at TE: spins of any frequency are in phase at the first sample | three lines: each at its
#   frequency, with the area of its amount and exp(-TE / T2) | B1 from 0.8 to 1.2 changes sLASER's voxel by a tenth at most,
#   PRESS's by a quarter | crushers leave no pathway but the wanted | phase cycling: all averages agree | water suppression
#   leaves under 0.3 % of water for B1 within 15 % and T1 of 0.8 to 4 s, and spares NAA | refusals name fields. Scalar coupling
#   is in no engine, so lines that couple are not tested.

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Sequence
from fullbore.errors import DataError, LimitError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.recon import reconstruct
from fullbore.sequence import build, parse_protocol
from fullbore.sequence.preparations.water_suppression import BANDWIDTH_HZ, DELAYS_S, DURATION_S, FLIP_RAD, FLIP_SHARES
from fullbore.sequence.pulses import gaussian_pulse, pulse_response
from fullbore.sequence.spectroscopy import press, semi_laser
from fullbore.sequence.spectroscopy.localisation import CRUSH_PER_M, pathways_per_m
from fullbore.simulate.cloud import SpinCloud, acquire_cloud, play_cloud
from tests.sequence.reference import LIMITS
from tests.simulate.small import machine

NAMES = ("press_svs", "slaser_svs")
EDGE_M = 20e-3
ALONG_M = 1e-3 * np.array([-18.0, -15, -11, -10, -9, -8, -6, -3, 0, 3, 6, 8, 9, 10, 11, 15, 18])
PPM_HZ = 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * LIMITS.b0_T


def sequence(name: str, **changes: object) -> Sequence:
    table = sequence_protocol(name)
    small = {"averages": 1, "dummy_scans": 0, "samples": 16, "water_suppression": "none"}
    table["quick"] = {**table["quick"], **small, **changes}
    return build(parse_protocol(table, quick=True), LIMITS)


def cloud(position_m: np.ndarray, hertz: np.ndarray, weight: np.ndarray, t2_s: np.ndarray, seen: np.ndarray) -> SpinCloud:
    n = len(position_m)
    return SpinCloud(
        position_m=position_m, amount=weight, t1_s=np.full(n, 1.0), t2_s=t2_s, off_resonance_Hz=hertz, b1_scale=np.ones(n),
        sensitivity=seen,
    )  # fmt: skip


def bunched() -> np.ndarray:
    """125 points over one crusher unit's wavelength along each axis, (point, axis)."""
    part = (np.arange(5) - 2) / 5 / CRUSH_PER_M
    return np.stack(np.meshgrid(part, part, part, indexing="ij"), axis=-1).reshape(-1, 3)


def profiles(played: Sequence) -> np.ndarray:
    """|signal| at the echo of places along read, phase and slice through the voxel's centre, (axis, place), of 1.

    A place is 125 spins over one crusher unit's wavelength along each axis.
    """
    geometry = played.encoding.geometry
    axes = np.stack([geometry.read, geometry.phase, geometry.slice])
    bunch = bunched() @ axes
    centres = geometry.centre_m + (axes[:, None, :] * ALONG_M[None, :, None]).reshape(-1, 3)
    places = (centres[:, None] + bunch).reshape(-1, 3)
    seen = np.repeat(np.eye(len(centres)), len(bunch), axis=1).astype(complex)
    n = len(places)
    spins = cloud(places, np.zeros(n), np.full(n, 1 / len(bunch)), np.full(n, 1e3), seen)
    return np.abs(play_cloud(spins, played)[0, :, 0]).reshape(3, -1)


def width_m(profile: np.ndarray) -> tuple[float, float]:
    """Full width at half of the plateau, and the middle of it."""
    half = 0.5 * np.median(profile[np.abs(ALONG_M) < 5e-3])
    above = np.flatnonzero(profile > half)
    low, high = above[0], above[-1]
    left = np.interp(half, profile[[low - 1, low]], ALONG_M[[low - 1, low]])
    right = np.interp(half, profile[[high + 1, high]], ALONG_M[[high + 1, high]])
    return float(right - left), float(right + left) / 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
@pytest.mark.parametrize("place", ["upright", "oblique"])
def test_the_voxel_is_where_and_as_large_as_asked(name: str, place: str) -> None:
    oblique = {"centre": ["12 mm", "-25 mm", "31 mm"], "tilt": ["20 deg", "-10 deg", "35 deg"]}
    found = profiles(sequence(name, **(oblique if place == "oblique" else {})))
    for axis, profile in enumerate(found):
        width, middle = width_m(profile)
        # SLR slabs are as wide as their bandwidth says to 2 %; adiabatic ones are 5 % narrower at half height, both edges inside
        assert width == pytest.approx(EDGE_M, rel=0.025 if axis == 2 or name == "press_svs" else 0.07)
        assert abs(middle) < 0.1e-3
        inside, outside = np.abs(ALONG_M) <= 6e-3, np.abs(ALONG_M) >= 15e-3
        # ripples of three pulses of 1 % each, and what an adiabaticity of 6 leaves
        assert np.abs(profile[inside] - 1).max() < 0.05
        assert profile[outside].max() < 0.01


LINES = {"press_svs": (200.0, 0.0, -175.0), "slaser_svs": (0.0, -2.66 * PPM_HZ, -3.4 * PPM_HZ)}
AMOUNTS, T2_S = np.array([1.0, 0.5, 0.8]), np.array([0.08, 0.15, 0.05])


def line_bunch(name: str, axes: np.ndarray) -> SpinCloud:
    """Three species in the voxel's middle, where no displacement by their shift takes them out of it."""
    bunch = np.tile(bunched() @ axes, (3, 1))
    each = len(bunch) // 3
    seen = np.ones((12, len(bunch)), complex)
    return cloud(bunch, np.repeat(LINES[name], each), np.repeat(AMOUNTS / each, each), np.repeat(T2_S, each), seen)


@pytest.mark.parametrize("name", NAMES)
def test_lines_have_their_frequency_area_and_phase(name: str) -> None:
    played = sequence(name, samples=1024)
    encoding, geometry = played.encoding, played.encoding.geometry
    signal = play_cloud(line_bunch(name, np.stack([geometry.read, geometry.phase, geometry.slice])), played)[0, 0]
    time = np.arange(len(signal)) * encoding.dwell_s
    # a free spin gathers exp(-2 pi i f t), so the spectrum over f is the inverse transform
    spectrum = np.abs(np.fft.ifft(signal * np.exp(-time / 0.1), 32 * len(signal)))
    hertz = np.fft.fftfreq(len(spectrum), encoding.dwell_s)
    found = [hertz[np.where(np.abs(hertz - line) < 20, spectrum, 0).argmax()] for line in LINES[name]]
    # lines 3 to 5 Hz wide whose skirts overlap
    assert np.abs(np.array(found) - LINES[name]).max() < 0.5
    model = np.exp(-2j * np.pi * np.outer(time, LINES[name]) - time[:, None] / T2_S)
    areas = np.linalg.lstsq(model, signal, rcond=None)[0]
    echo = encoding.echo_times_s[0]
    # PRESS: ripples of the profiles. sLASER: a shift counts tenfold where GOIA's gradient has fallen to a tenth, which costs
    # 9 % of a line 434 Hz off at this adiabaticity
    assert np.abs(areas) == pytest.approx(AMOUNTS * np.exp(-echo / T2_S), rel=0.02 if name == "press_svs" else 0.10)
    # the phase of a quarter turn by Shinnar-Le Roux bends: near resonance its centre is 2 % of its 3 ms beside the fitted one
    shift = np.abs(np.array(LINES[name]) - LINES[name][0])
    assert (np.abs(np.angle(areas / areas[0])) <= 2 * np.pi * shift * 60e-6 + 1e-6).all()


def kept(name: str, b1: np.ndarray) -> np.ndarray:
    """|signal| of spins in the voxel's middle, on resonance and without T2, at each B1."""
    played = sequence(name)
    geometry = played.encoding.geometry
    bunch = bunched() @ np.stack([geometry.read, geometry.phase, geometry.slice])
    n, each = len(b1) * len(bunch), len(bunch)
    seen = np.repeat(np.eye(len(b1)), each, axis=1).astype(complex)
    spins = cloud(np.tile(bunch, (len(b1), 1)), np.zeros(n), np.full(n, 1 / each), np.full(n, 1e3), seen)
    return np.abs(play_cloud(replace(spins, b1_scale=np.repeat(b1, each)), played)[0, :, 0])


def test_b1_hardly_changes_an_adiabatic_voxel() -> None:
    b1 = np.array([0.8, 0.9, 1.0, 1.1, 1.2])
    adiabatic, hard = (kept(name, b1) for name in ("slaser_svs", "press_svs"))
    change = adiabatic / adiabatic[2]
    # the quarter turn's sine is 0.951 at 0.8 and 1.2; an adiabaticity of 6 falls to 3.8 at 0.8, which takes as much again
    assert np.abs(change - 1).max() < 0.11 and np.abs(change[1:] - 1).max() < 0.06
    assert adiabatic.max() <= 1.0
    # sine of a quarter turn and two squares of sines of half turns: 0.78 at 0.8 and 1.2, in the middle of SLR slabs
    assert hard[[0, 4]] / hard[2] == pytest.approx(0.951**5, rel=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_phase_cycling_adds_up(name: str) -> None:
    played = sequence(name, averages=16, repetition_time="3000 ms", samples=16)
    geometry = played.encoding.geometry
    spins = line_bunch(name, np.stack([geometry.read, geometry.phase, geometry.slice]))
    raw = acquire_cloud(spins, played, machine(b1=False, coils=False))
    assert raw.samples.shape[0] == 16
    first = play_cloud(spins, played)[:, 0, 0]
    # the first average starts from equilibrium, later ones from what a repetition time of 3 T1 recovers; T2 leaves nothing
    steady = first[2:]
    assert np.abs(steady / steady[0] - 1).max() < 0.01
    with pytest.raises(DataError, match="spectr"):
        reconstruct(raw)


@pytest.mark.parametrize("crushers", [press.CRUSHERS, semi_laser.CRUSHERS])
def test_no_pathway_but_the_wanted_survives(crushers: tuple[tuple[int, int, int], ...]) -> None:
    assert np.linalg.norm(pathways_per_m(crushers), axis=1).min() == pytest.approx(np.sqrt(3) * CRUSH_PER_M)


def test_water_is_suppressed_and_metabolites_are_not() -> None:
    worst = 0.0
    for t1 in (0.8, 1.1, 1.4, 4.0):
        for b1 in np.linspace(0.85, 1.15, 7):
            mz = 1 - np.exp(-(2.0 - sum(DELAYS_S)) / t1)
            for share, delay in zip(FLIP_SHARES, DELAYS_S, strict=True):
                mz = 1 + (mz * np.cos(b1 * share * FLIP_RAD) - 1) * np.exp(-delay / t1)
            worst = max(worst, abs(mz))
    assert worst < 0.003
    hertz = -PPM_HZ * np.array([2.66, 1.65, 3.37])  # NAA, creatine, lactate from water
    kept = np.ones(3)
    for share in FLIP_SHARES:
        pulse = gaussian_pulse(FLIP_RAD * share, DURATION_S, BANDWIDTH_HZ, LIMITS, use="s")
        kept *= pulse_response(pulse, offset_Hz=hertz)[1]
    assert kept.min() > 0.98


def test_suppression_is_timed_to_the_excitation() -> None:
    played = sequence("press_svs", water_suppression="vapor")
    starts = played.block_starts_s()
    blocks = np.flatnonzero(played.rf >= 0)
    centres = np.array(
        [starts[b] + played.rf_pulses[played.rf[b]].delay_s + played.rf_pulses[played.rf[b]].centre_s for b in blocks]
    )
    assert np.diff(centres)[:7] == pytest.approx(DELAYS_S, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "changes", "named"),
    [
        ("press_svs", {"echo_time": "10 ms"}, "echo_time"),
        ("press_svs", {"repetition_time": "100 ms", "water_suppression": "vapor"}, "repetition_time"),
        ("press_svs", {"voxel": ["20 mm", "0.3 mm", "20 mm"]}, "voxel"),
        ("press_svs", {"refocusing_duration": "2 ms"}, "refocusing_duration"),
        ("press_svs", {"excitation_duration": "0.5 ms"}, "excitation_duration"),
        ("slaser_svs", {"echo_time": "20 ms"}, "echo_time"),
        ("slaser_svs", {"refocusing_bandwidth": "16000 Hz"}, "refocusing_duration"),
        ("slaser_svs", {"voxel": ["3 mm", "20 mm", "20 mm"]}, "voxel"),
    ],
)
def test_refusals_name_the_field(name: str, changes: dict[str, object], named: str) -> None:
    with pytest.raises(LimitError, match=f"{named}: got") as caught:
        sequence(name, **changes)
    assert "no legal value" not in str(caught.value)
