# TRUTHS of Siemens raw data: a point source in a file by Siemens' laws is found where it was | k = 0 at n // 2 whatever the
# centre line | noise scan, calibration, phase correction and reflected lines are told apart | unlabelled lines: order found,
# rising or centre-out, one or two echoes | broken files: one sentence, no hang | real scans make the phantom that was there
from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from fullbore.data import AcquisitionFlag, RawData
from fullbore.errors import FormatError, ValueRangeError
from fullbore.files.siemens import read_siemens
from fullbore.files.siemens_order import infer_order
from tests.files.picture import picture
from tests.files.siemens_file import Readout, write_dat

QUATERNION = (0.8, 0.2, -0.4, 0.4)
LINES, PARTITIONS, COLUMNS = 10, 4, 24


def siemens_axes() -> np.ndarray:
    """Columns (phase, read, slice) of the rotation that the quaternion means, by Rodrigues' formula, in LPS."""
    w, *axis = QUATERNION
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + 2 * w * cross + 2 * cross @ cross


def point_source(shift_m: np.ndarray) -> list[Readout]:
    """A point at `shift_m` (phase, read, slice) from the slab's centre, signal exp(+2 pi i k r): Siemens' sign."""
    dk = np.array([1 / 0.16, 1 / 0.48, 1 / 0.08])
    readouts = []
    for partition in range(PARTITIONS):
        for line in range(LINES):
            k = [(line - 6) * dk[0], (np.arange(COLUMNS) - COLUMNS // 2) * dk[1], (partition - PARTITIONS // 2) * dk[2]]
            signal = np.exp(2j * np.pi * (k[0] * shift_m[0] + k[1] * shift_m[1] + k[2] * shift_m[2]))
            place = {"Lin": line, "Par": partition, "Eco": 1}
            options = {"centre": (12, 6, 2), "position_mm": (10.0, -20.0, 30.0), "quaternion": QUATERNION}
            readouts.append(Readout(np.stack([signal, 2 * signal]), place, **options))  # type: ignore[arg-type]
    return readouts


def test_a_point_source_is_found_where_it_was(tmp_path: Path) -> None:
    # A whole number of voxels along phase (lines -6..3 make 12), read and slice.
    shift = np.array([2 * 0.16 / 12, -3 * 0.02, 0.02])
    write_dat(tmp_path / "a.dat", point_source(shift))
    raw = read_siemens(tmp_path / "a.dat")
    image = picture(raw)
    index = np.unravel_index(np.argmax(image), image.shape)
    found = raw.encoding.geometry.grid().points_m()[index]
    expected = np.array([0.010, -0.020, 0.030]) + siemens_axes() @ shift
    assert np.abs(found - expected).max() < 1e-6
    # Lines +4 and +5 of 12 are missing, as in partial Fourier: side lobes along phase, none along the other axes.
    z, _, x = index
    image[z, :, x] = 0
    assert image.max() < 1e-5


def test_the_protocol_is_read(tmp_path: Path) -> None:
    write_dat(tmp_path / "a.dat", point_source(np.zeros(3)))
    raw = read_siemens(tmp_path / "a.dat")
    encoding, geometry = raw.encoding, raw.encoding.geometry
    assert geometry.matrix == (12, 12, 4) and geometry.encoded_matrix == (24, 12, 4)
    assert np.allclose(geometry.encoded_fov_m, (0.48, 0.16, 0.08)) and np.allclose(geometry.fov_m, (0.24, 0.16, 0.08))
    assert set(encoding.counter("line")) == set(range(10))
    assert encoding.echo_times_s == pytest.approx((0.005, 0.0075)) and np.allclose(encoding.echo_time_s, 0.0075)
    assert encoding.repetition_time_s == pytest.approx(0.02) and encoding.dwell_s == pytest.approx(4e-6)
    assert encoding.flip_rad == pytest.approx(np.deg2rad(15)) and raw.b0_T == pytest.approx(2.89) and encoding.protocol == "gre3d"


def test_readouts_are_told_apart_by_their_flags(tmp_path: Path) -> None:
    readouts = point_source(np.array([0.0, 0.04, 0.0]))
    plain = read_after_writing(tmp_path, readouts)
    noise = Readout(np.full((2, 40), 1 + 2j), {}, ("NOISEADJSCAN",))
    correction = Readout(np.full((2, COLUMNS), 9.0), {"Lin": 5, "Eco": 1}, ("PHASCOR",), (12, 6, 2))
    odd = Readout(np.full((2, 8), 9.0), {"Lin": 5, "Eco": 1}, (), (4, 6, 2))
    readouts[3].flags, readouts[4].flags = ("PATREFSCAN", "PATREFANDIMASCAN"), ("REFLECT",)
    readouts[4].data = readouts[4].data[:, ::-1]
    marked = read_after_writing(tmp_path, [noise, correction, *readouts, odd])
    assert np.array_equal(marked.samples, plain.samples)
    assert marked.noise is not None and np.array_equal(marked.noise, np.full((2, 40), 1 - 2j, np.complex64))
    assert marked.encoding.flags[3] & np.uint64(AcquisitionFlag.CALIBRATION_AND_IMAGING)
    assert "1 readouts of another size" in marked.provenance["assumed"]


def read_after_writing(folder: Path, readouts: list[Readout], **options: int) -> RawData:
    write_dat(folder / "a.dat", readouts, **options)
    return read_siemens(folder / "a.dat")


def object_lines(lines: int, seed: int = 0) -> np.ndarray:
    """k-space (line, coil, sample) of a rough disc off centre, with noise at 1 % of its strongest line."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:lines, :lines] / lines - 0.5
    disc = ((x - 0.12) ** 2 + (y + 0.03) ** 2 < 0.3**2) * (1 + 0.3 * np.sin(20 * x) * np.cos(14 * y))
    k = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(disc)))
    k = k + 1e-4 * np.abs(k).max() * (rng.standard_normal(k.shape) + 1j * rng.standard_normal(k.shape))
    return np.stack([k, 0.5j * k], axis=1).astype(np.complex64)


CENTRE_OUT = [32 + (-(n + 1) // 2 if n % 2 else n // 2) for n in range(64)]


@pytest.mark.parametrize(
    "kind", ["rising", "centre out", "two echoes", "two echoes, line by line", "centre out, two echoes", "epi"]
)
def test_the_order_of_unlabelled_lines_is_found(kind: str) -> None:
    k = object_lines(64)
    line, contrast = np.arange(64), np.zeros(64, int)
    if "centre out" in kind:
        line = np.array(CENTRE_OUT) % 64
    if "two echoes" in kind:
        line, contrast = np.tile(line, 2), np.repeat([0, 1], 64)
    if "line by line" in kind:
        line, contrast = np.repeat(np.arange(64), 2), np.tile([0, 1], 64)
    samples = k[line] * np.where(contrast, 0.6 * np.exp(0.7j), 1)[:, None, None]
    if kind == "epi":
        samples[1::2] = np.roll(samples[1::2, :, ::-1], 1, axis=-1)
    order = infer_order(samples)
    assert np.array_equal(order.line, line) and np.array_equal(order.contrast, contrast)
    assert np.array_equal(order.reverse, (np.arange(len(line)) % 2 == 1) & (kind == "epi"))
    assert order.sentence.startswith("line order inferred: 64 lines")


def test_inference_is_said_in_the_provenance(tmp_path: Path) -> None:
    readouts = [Readout(row, {"Lin": number}) for number, row in enumerate(object_lines(64))]
    raw = read_after_writing(tmp_path, readouts, partitions=1)
    assert raw.encoding.geometry.encoded_matrix == (64, 64, 1)
    assert "line order inferred: 64 lines rising" in raw.provenance["assumed"]
    assert raw.encoding.echo_times_s == () and np.isnan(raw.encoding.echo_time_s).all()


# --- hostile files


def spoiled(kind: str, path: Path) -> None:
    readouts = point_source(np.zeros(3))
    if kind == "nan":
        readouts[7].data = np.full((2, COLUMNS), np.nan)
    if kind == "only noise":
        readouts = [Readout(np.ones((2, 8)), {}, ("NOISEADJSCAN",))]
    if kind == "endless":
        # A synchronisation block of length 0 would keep a naive reader at the same byte for ever.
        readouts = [*readouts, Readout(np.zeros((1, 8)), {}, ("SYNCDATA",))]
    write_dat(path, readouts, end_mark=kind not in ("no end mark", "endless"))
    whole = path.read_bytes()
    match kind:
        case "endless":
            place = len(whole) - 192 - 32 - 64
            path.write_bytes(whole[:place] + struct.pack("<I", 0) + whole[place + 4 :])
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "random":
            path.write_bytes(np.random.default_rng(2).bytes(30000))
        case "zeros":
            path.write_bytes(bytes(30000))
        case "cut":
            path.write_bytes(whole[: len(whole) - 5000])
        case "short header":
            path.write_bytes(whole[:700])
        case "no protocol":
            path.write_bytes(whole.replace(b"MeasYaps", b"Nonsense"))
        case "no field of view":
            path.write_bytes(whole.replace(b"dReadoutFOV = 240.0", b"dReadoutFOV = abcde"))


@pytest.mark.parametrize(
    ("kind", "error", "sentence"),
    [
        ("missing", FormatError, "no such file"),
        ("empty", FormatError, "has 0 bytes"),
        ("random", FormatError, "no Siemens measurement header"),
        ("zeros", FormatError, "no Siemens measurement header"),
        ("cut", FormatError, "truncated"),
        ("short header", FormatError, "ends inside its first header"),
        ("no end mark", FormatError, "the data end after 40 readouts without the end mark"),
        ("endless", FormatError, "the data end after 40 readouts without the end mark"),
        ("no protocol", FormatError, "holds no protocol"),
        ("no field of view", FormatError, "states no field of view"),
        ("only noise", FormatError, "holds no image readout"),
        ("nan", ValueRangeError, "NaN or infinity in readout 7 and 0 others"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path: Path, kind: str, error: type[Exception], sentence: str) -> None:
    spoiled(kind, tmp_path / "a.dat")
    with pytest.raises(error) as caught:
        read_siemens(tmp_path / "a.dat")
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


# --- real scans


def test_a_product_gradient_echo_shows_its_phantom(shared_data: Path) -> None:
    raw = read_siemens(shared_data / "raw_siemens_gre" / "gre.dat")
    geometry = raw.encoding.geometry
    assert raw.samples.shape == (160, 2, 320) and geometry.matrix == (160, 160, 1)
    assert np.allclose(geometry.centre_m, [-0.00259, 0.05392, -0.054], atol=1e-5)
    assert geometry.slice @ [6.58423005e-09, 0.0383878015, 0.9992629886] == pytest.approx(1, abs=1e-6)
    image = picture(raw)[0]
    inside, corners = image[60:66, 40:120].mean(), np.concatenate([image[:8, :8], image[-8:, -8:]]).mean()
    assert inside > 10 * corners


@pytest.mark.parametrize(
    ("name", "coils", "echoes"), [("2024-02-06-160052", 16, 1), ("2024-02-06-160115", 2, 1), ("2024-02-06-161542", 2, 2)]
)
def test_pulseq_field_maps_show_a_sphere_on_its_foot(shared_data: Path, name: str, coils: int, echoes: int) -> None:
    raw = read_siemens(shared_data / "raw_siemens_pulseq" / "fieldmap" / f"{name}.dat")
    assert raw.coils == coils and len(np.unique(raw.encoding.counter("contrast"))) == echoes
    assert "line order inferred: 128 lines" in raw.provenance["assumed"]
    mask = picture(raw)[0] > 0.15 * np.percentile(picture(raw)[0], 99)
    # The sphere lies within 104 lines; its flat foot is at the back, towards higher lines (phase points to P).
    widths = mask.sum(axis=1)
    back = int(np.flatnonzero(widths > 10)[-1])
    front = int(np.flatnonzero(widths > 10)[0])
    assert 85 < back - front < 110 and np.allclose(raw.encoding.geometry.phase, [0, 1, 0], atol=1e-6)
    assert widths[back - 1] > 1.3 * widths[front + 1]


def test_the_clock_tells_the_echo_spacing(shared_data: Path) -> None:
    """Readouts of 1.2 and 0.48 ms with ramps between them; reversed blips change nothing."""
    folder = shared_data / "raw_siemens_pulseq" / "epi"
    names = ("04_02_01_ro_dur_1200_pe+", "04_02_05_ro_dur_1200_pe-", "04_02_03_ro_dur_480_pe+", "04_02_07_ro_dur_480_pe-")
    long, turned, short, turned_short = (read_siemens(folder / f"{name}.dat").encoding.echo_spacing_s for name in names)
    assert 1.2e-3 < long < 1.5e-3 and 0.48e-3 < short < 0.8e-3
    # A tick in the whole train.
    assert max(abs(long - turned), abs(short - turned_short)) < 2.5e-3 / 59
