# TRUTHS of spectra of one voxel: PRESS on the virtual scanner, two lines: each at its ppm to a bin, the shielded one to the
#   right, areas as amount times exp(-TE / T2); sLASER likewise, and nothing of a line from beyond the voxel |
#   the area of a line is its amplitude, its height and width those of a Lorentzian |
#   noise is as stated, by replicas, filtered or not | channels of any phase and correlated noise give the matched filter's
#   signal to noise | drift and phase of averages are found and taken out, to what noise allows; where all is noise nothing is
#   turned | files come back: MRD, NIfTI-MRS in Levitt's sense | what is no spectrum is refused, and images refuse a spectrum by
#   naming this door

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from fullbore import files
from fullbore.cli.main import main
from fullbore.clinical.library import sequence_protocol
from fullbore.data import Encoding, RawData, Spectrum
from fullbore.errors import DataError, ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.recon import is_spectrum, reconstruct, spectrum
from fullbore.sequence import build, parse_protocol
from fullbore.sequence.spectroscopy.localisation import CRUSH_PER_M
from fullbore.simulate.cloud import SpinCloud, acquire_cloud
from tests.recon.measured import array_of, encoding_of, geometry_of, measure, regular_lines
from tests.simulate.small import machine

B0_T = 3.0
PPM_HZ = 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * B0_T
DWELL_S, SAMPLES = 5e-4, 1024
TIME_S = DWELL_S * np.arange(SAMPLES)


def one_voxel(averages: int, samples: int = SAMPLES) -> Encoding:
    """The table of readouts of one voxel."""
    plain = encoding_of(geometry_of((1, 1, 1)), np.zeros(1, int))
    rows = plain.take(np.zeros(averages, int))
    zero = np.zeros((averages, 3))
    return replace(rows, samples=samples, dwell_s=DWELL_S, centre_sample=0, k_first_per_m=zero, k_step_per_m=zero)


def line(ppm: float, amplitude: float, t2_s: float) -> np.ndarray:
    """A free spin's signal gathers exp(-2 pi i f t)."""
    return amplitude * np.exp(-2j * np.pi * (ppm - 4.7) * PPM_HZ * TIME_S - TIME_S / t2_s)


def raw_of(rows: np.ndarray, covariance: np.ndarray, seed: int) -> RawData:
    """(average, coil, sample) with noise, and a long noise scan of the same receivers."""
    rng = np.random.default_rng(seed)
    factor = np.linalg.cholesky(covariance)
    draw = lambda *shape: (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)  # noqa: E731
    noisy = rows + np.einsum("cd,rds->rcs", factor, draw(*rows.shape))
    noise = (factor @ draw(len(factor), 20000)).astype(np.complex64)
    return RawData(
        encoding=one_voxel(len(rows)), samples=noisy.astype(np.complex64), b0_T=B0_T, noise=noise, noise_dwell_s=DWELL_S
    )


def peak_ppm(made: Spectrum, low: float, high: float) -> float:
    """Where the real part is largest between two shifts."""
    return float(made.ppm[np.where((made.ppm > low) & (made.ppm < high), made.values.real, -np.inf).argmax()])


AMOUNTS, T2_S, LINES_PPM = np.array([1.0, 0.6]), np.array([0.08, 0.15]), np.array([4.7, 3.2])


@pytest.fixture(scope="module")
def scanned() -> RawData:
    """PRESS of a point in the voxel's middle: 125 spins of each line over one wavelength of the crushers."""
    table = sequence_protocol("press_svs")
    small = {"averages": 4, "dummy_scans": 2, "samples": SAMPLES, "water_suppression": "none", "repetition_time": "5000 ms"}
    table["quick"] = {**table["quick"], **small}
    spec = machine(b1=False, coils=False)
    played = build(parse_protocol(table, quick=True), spec.limits)
    part = (np.arange(5) - 2) / 5 / CRUSH_PER_M
    bunch = np.stack(np.meshgrid(part, part, part, indexing="ij"), axis=-1).reshape(-1, 3)
    each = len(bunch)
    spins = SpinCloud(
        position_m=np.tile(bunch, (2, 1)), amount=np.repeat(AMOUNTS / each, each), t1_s=np.full(2 * each, 0.8),
        t2_s=np.repeat(T2_S, each), b1_scale=np.ones(2 * each), sensitivity=np.ones((spec.receive.coils, 2 * each), complex),
        off_resonance_Hz=np.repeat((LINES_PPM - 4.7) * 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * spec.b0_T, each),
    )  # fmt: skip
    return acquire_cloud(spins, played, spec, seed=3)


def area(made: Spectrum, hertz: float, half_Hz: float) -> float:
    """Of the real part, within `half_Hz` of a frequency."""
    inside = np.abs(made.hertz - hertz) < half_Hz
    return float(made.values.real[inside].sum() * abs(made.hertz[1] - made.hertz[0]))


def test_press_of_two_lines(scanned: RawData) -> None:
    made = spectrum(scanned)
    assert is_spectrum(scanned) and made.report["averages_aligned"] == 4 and made.report["warning"] == "none"
    bin_ppm = abs(made.ppm[1] - made.ppm[0])
    assert made.ppm[0] > made.ppm[-1]
    assert abs(peak_ppm(made, 4.2, 5.2) - 4.7) < bin_ppm
    assert abs(peak_ppm(made, 2.7, 3.7) - 3.2) < bin_ppm
    # the second line has less area, but is narrower and taller: 0.6 T2 exp(-TE / T2)
    assert abs(made.peak_ppm - 3.2) < bin_ppm
    echo = scanned.encoding.echo_times_s[0]
    amplitudes = np.sqrt(scanned.coils) * AMOUNTS * np.exp(-echo / T2_S)
    places = (LINES_PPM - 4.7) * made.receiver_Hz * 1e-6
    half = 90.0

    def within(number: int, centre: float) -> float:
        """The part of a Lorentzian's area that lies within `half` of `centre`."""
        ends = 2 * np.pi * T2_S[number] * (centre - places[number] + np.array([half, -half]))
        return float(amplitudes[number] * np.subtract(*np.arctan(ends)) / np.pi)

    expected = np.array([sum(within(number, centre) for number in (0, 1)) for centre in places])
    found = np.array([area(made, centre, half) for centre in places])
    # 2 % as below, and the dispersion of the other line, whose phase is 3.4 degrees off since a quarter turn's centre is 50 us
    # from its nominal one: sin(3.4 deg) / pi * log(281 / 101) of it is 2.4 % of the smaller
    assert found == pytest.approx(expected, rel=0.045)
    time = made.dwell_s * np.arange(len(made.signal))
    model = np.exp(-2j * np.pi * np.outer(time, places) - time[:, None] / T2_S)
    fitted = np.abs(np.linalg.lstsq(model, made.signal, rcond=None)[0])
    # ripples of the three pulses' profiles and what T1 has not recovered in 6 T1: 2 %, as for the sequence itself
    assert fitted == pytest.approx(amplitudes, rel=0.02)
    assert fitted[1] / fitted[0] == pytest.approx(amplitudes[1] / amplitudes[0], rel=0.02)


def test_slaser_of_two_lines_beside_fat() -> None:
    """Two lines of the voxel, and one at 1.3 ppm of places 20 mm from its middle along each axis, each as much as the first."""
    table = sequence_protocol("slaser_svs")
    small = {"averages": 2, "dummy_scans": 1, "samples": SAMPLES, "water_suppression": "none", "repetition_time": "5000 ms"}
    table["quick"] = {**table["quick"], **small}
    spec = machine(b1=False, coils=False)
    played = build(parse_protocol(table, quick=True), spec.limits)
    part = (np.arange(5) - 2) / 5 / CRUSH_PER_M
    bunch = np.stack(np.meshgrid(part, part, part, indexing="ij"), axis=-1).reshape(-1, 3)
    middles = np.concatenate([np.zeros((2, 3)), 20e-3 * np.eye(3)])
    amounts, t2_s = np.array([*AMOUNTS, 1.0, 1.0, 1.0]), np.array([*T2_S, 0.08, 0.08, 0.08])
    ppm = np.array([*LINES_PPM, 1.3, 1.3, 1.3])
    each, n = len(bunch), 5 * len(bunch)
    spins = SpinCloud(
        position_m=(middles[:, None] + bunch).reshape(-1, 3), amount=np.repeat(amounts / each, each), t1_s=np.full(n, 0.8),
        t2_s=np.repeat(t2_s, each), b1_scale=np.ones(n), sensitivity=np.ones((spec.receive.coils, n), complex),
        off_resonance_Hz=np.repeat((ppm - 4.7) * 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * spec.b0_T, each),
    )  # fmt: skip
    raw = acquire_cloud(spins, played, spec, seed=3)
    made = spectrum(raw)
    bin_ppm = abs(made.ppm[1] - made.ppm[0])
    assert abs(peak_ppm(made, 4.2, 5.2) - 4.7) < bin_ppm and abs(peak_ppm(made, 2.7, 3.7) - 3.2) < bin_ppm
    places = np.array([*LINES_PPM - 4.7, 1.3 - 4.7]) * made.receiver_Hz * 1e-6
    time = made.dwell_s * np.arange(len(made.signal))
    model = np.exp(-2j * np.pi * np.outer(time, places) - time[:, None] / np.array([*T2_S, 0.08]))
    fitted = np.abs(np.linalg.lstsq(model, made.signal, rcond=None)[0])
    echo = played.encoding.echo_times_s[0]
    expected = np.sqrt(raw.coils) * AMOUNTS * np.exp(-echo / T2_S)
    # 4 % each is lost at an adiabaticity of 6. Part of the 16 ms of pulses is spent along B0, where T2 takes nothing, which
    # counts for more in the line of shorter T2: a third of 16 ms (1 / 80 - 1 / 150 per ms) is 3 % of their ratio
    assert fitted[:2] == pytest.approx(expected, rel=0.05)
    assert fitted[1] / fitted[0] == pytest.approx(expected[1] / expected[0], rel=0.05)
    assert fitted[2] < 0.03 * fitted[0]  # 1 % of each of three places


def test_a_line_has_the_area_height_and_width_of_a_lorentzian() -> None:
    quiet = replace(raw_of(line(3.0, 2.0, 0.05)[None, None], 1e-12 * np.eye(1), 1), noise=None)
    made = spectrum(quiet, zero_filling=8)
    step = abs(made.hertz[1] - made.hertz[0])
    assert made.values.real.sum() * step == pytest.approx(2.0, rel=1e-4)
    # 2 A T2, and 1 / (pi T2); what the trapezium rule and the parabola leave of both is 1e-3
    assert made.values.real.max() == pytest.approx(2 * 2.0 * 0.05, rel=2e-3)  # bins are 0.24 Hz apart, the line 6.4 Hz wide
    assert made.line_width_Hz == pytest.approx(1 / (np.pi * 0.05), rel=2e-3)
    assert made.peak_ppm == pytest.approx(3.0, abs=1e-4)
    wider = spectrum(quiet, line_broadening_Hz=4.0)
    assert wider.line_width_Hz == pytest.approx(1 / (np.pi * 0.05) + 4.0, rel=2e-3)


@pytest.mark.parametrize("broadening_Hz", [0.0, 3.0])
def test_noise_is_as_stated(broadening_Hz: float) -> None:
    """Replicas of the whole chain, alignment of averages included."""
    covariance = np.array([[1.0, 0.3 + 0.2j], [0.3 - 0.2j, 2.0]])
    rows = np.stack([[30 * line(4.7, 1, 0.08), 20j * line(4.7, 1, 0.08)]] * 4)
    made = [spectrum(raw_of(rows, covariance, seed), line_broadening_Hz=broadening_Hz) for seed in range(24)]
    far = made[0].ppm < 2.0
    found = np.std([one.values.real[far] - np.mean([m.values.real[far] for m in made], axis=0) for one in made], ddof=0)
    found *= np.sqrt(24 / 23)
    # about 24 x 500 independent values, and noise scans of 20 000 samples: 1 %; three times that
    assert np.mean([one.noise_std for one in made]) == pytest.approx(found, rel=0.03)


def test_channels_of_any_phase_reach_the_matched_filter() -> None:
    covariance = np.array([[1.0, 0.6j, 0.0], [-0.6j, 1.5, 0.2], [0.0, 0.2, 4.0]])
    rng = np.random.default_rng(5)
    seen = np.array([3.0, 2.0, 5.0]) * np.exp(2j * np.pi * rng.random(3))
    voxel = line(4.7, 8.0, 0.08)
    made = spectrum(raw_of(np.stack([np.outer(seen, voxel)] * 8), covariance, 2))
    height, weight = 2 * 8.0 * 0.08, 2 * DWELL_S * np.sqrt(SAMPLES - 0.75) / np.sqrt(2)
    best = height * np.sqrt(8) * np.sqrt((seen.conj() @ np.linalg.solve(covariance, seen)).real) / weight
    # the noise scan's covariance is known to 1 %; the height to 1 / snr
    assert made.snr == pytest.approx(best, rel=0.02)
    assert made.values.real.max() == pytest.approx(height * np.linalg.norm(seen), rel=0.02)
    alone = spectrum(raw_of(np.stack([np.outer(seen[:1], voxel)] * 8), covariance[:1, :1], 2))
    assert made.snr > 1.5 * alone.snr


def test_drift_of_averages_is_taken_out() -> None:
    drift = np.linspace(0, 12, 16)
    phases = np.random.default_rng(1).uniform(-np.pi, np.pi, 16)
    phases[0] = 0
    voxel = line(4.7, 10.0, 0.1) + line(3.2, 4.0, 0.15)
    rows = voxel * np.exp(-2j * np.pi * np.outer(drift, TIME_S) + 1j * phases[:, None])
    raw = raw_of(rows[:, None], np.eye(1), 7)
    made, left = spectrum(raw), spectrum(raw, align=False)
    still = spectrum(raw_of(np.stack([voxel[None]] * 16), np.eye(1), 7))
    # Cramer and Rao: sqrt(6 / (energy snr)) / (2 pi T) is 0.05 Hz here; four of these
    assert np.abs(made.shifts_Hz - drift).max() < 0.2
    assert np.abs(np.angle(np.exp(1j * (made.phases_rad - phases)))).max() < 0.1
    assert made.line_width_Hz == pytest.approx(still.line_width_Hz, rel=0.03)  # noise: heights are known to 1 %
    assert made.snr == pytest.approx(still.snr, rel=0.03)
    assert left.snr < 0.6 * still.snr
    assert abs(peak_ppm(made, 2.7, 3.7) - 3.2) < 2 * abs(made.ppm[1] - made.ppm[0])


def test_averages_of_noise_are_left_as_they_are() -> None:
    raw = raw_of(np.stack([0.02 * line(3.0, 1.0, 0.1)[None]] * 8), np.eye(1), 11)
    made, left = spectrum(raw), spectrum(raw, align=False)
    assert np.isnan(made.shifts_Hz).all()
    assert np.array_equal(made.values, left.values)
    assert "no line" in str(made.report["warning"])


def test_the_command_gives_a_spectrum_and_files_that_others_read(
    scanned: RawData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    files.write_mrd(scanned, tmp_path / "press.h5")
    assert main(["recon", "press.h5", "--out", "out", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert abs(told["peak_ppm"] - 3.2) < 0.01
    image = nibabel.load("out/spectrum.nii.gz")
    header = image.header
    assert isinstance(image, nibabel.Nifti2Image) and bytes(header["intent_name"]).startswith(b"mrs_v")
    assert image.shape == (1, 1, 1, SAMPLES) and header.get_data_dtype() == np.complex64
    assert header["pixdim"][4] == pytest.approx(scanned.encoding.dwell_s)
    assert header["pixdim"][1:4] == pytest.approx([20, 20, 20])
    (extension,) = header.extensions
    assert extension.get_code() == 44
    fields = json.loads(extension.get_content().decode() if isinstance(extension.get_content(), bytes) else extension.text)
    assert fields["SpectrometerFrequency"] == [pytest.approx(scanned.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T * 1e-6)]
    assert fields["ResonantNucleus"] == ["1H"]
    # Levitt: the forward transform has less shielded protons at more negative frequencies, so 3.2 ppm is positive
    signal = np.asarray(image.dataobj).ravel()
    hertz = np.fft.fftfreq(SAMPLES, scanned.encoding.dwell_s)
    size = np.where(np.abs(hertz) > 100, np.abs(np.fft.fft(signal)), 0)
    assert hertz[size.argmax()] == pytest.approx(1.5e-6 * scanned.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T, abs=2)
    table = np.loadtxt("out/spectrum.csv", delimiter=",", skiprows=1)
    assert table[table[:, 1].argmax(), 0] == pytest.approx(3.2, abs=0.01)
    assert "3.20" in Path("out/report.html").read_text() and Path("out/spectrum.png").stat().st_size > 1000
    assert main(["recon", "press.h5", "--recipe", "sense"]) == 2
    assert "--recipe" in capsys.readouterr().err


def test_refusals(scanned: RawData) -> None:
    with pytest.raises(DataError, match=r"recon\.spectrum"):
        reconstruct(scanned)
    picture = measure(encoding_of(geometry_of((32, 48, 1)), regular_lines(48, 2, 16)), array_of(2, 2))
    assert not is_spectrum(picture)
    with pytest.raises(DataError, match="wanted one voxel"):
        spectrum(picture)
    broken = scanned.samples.copy()
    broken[1, 0, 3] = np.nan
    with pytest.raises(ValueRangeError, match="readout 1"):
        spectrum(replace(scanned, samples=broken))
    with pytest.raises(DataError, match="no ppm"):
        spectrum(replace(scanned, b0_T=0.0))
    counters = scanned.encoding.counters.copy()
    counters[2:, 5] = 1
    with pytest.raises(DataError, match="repetition"):
        spectrum(replace(scanned, encoding=replace(scanned.encoding, counters=counters)))
    with pytest.raises(ValueRangeError, match="line_broadening_Hz"):
        spectrum(scanned, line_broadening_Hz=-1.0)
