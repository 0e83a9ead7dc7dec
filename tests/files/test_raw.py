# TRUTHS of read_raw: the kind is told by content, then by name | NumPy and BART k-space: sampled lines become rows, k = 0 at
# n // 2, calibration = the largest centred block | samples scattered in two axes are rows of one sample | the readout may be any
# axis | a point source lands on its voxel | missing, empty, random, truncated, pickled, NaN: one sentence | a real brain appears
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fullbore.data import RawData
from fullbore.errors import FormatError, ValueRangeError
from fullbore.files import read_raw, write_mrd
from fullbore.files.cartesian import calibration_region
from tests.files.examples import volume_raw
from tests.files.picture import picture
from tests.files.siemens_file import Readout, write_dat


def point_kspace(shape: tuple[int, ...], index: tuple[int, ...], coils: int = 2) -> np.ndarray:
    """Centred k-space (coil, *shape) of one bright voxel."""
    image = np.zeros((coils, *shape), np.complex64)
    image[(slice(None), *index)] = np.arange(1, coils + 1)
    axes = tuple(range(1, len(shape) + 1))
    return np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(image, axes=axes), axes=axes), axes=axes).astype(np.complex64)


def saved(folder: Path, array: np.ndarray) -> Path:
    np.save(folder / "k.npy", array)
    return folder / "k.npy"


@pytest.mark.parametrize(
    ("shape", "index"), [((12, 16), (3, 10)), ((11, 9), (7, 2)), ((6, 10, 8), (1, 7, 5)), ((5, 7, 9), (4, 0, 3))]
)
def test_a_point_source_lands_on_its_voxel(tmp_path: Path, shape: tuple[int, ...], index: tuple[int, ...]) -> None:
    raw = read_raw(saved(tmp_path, point_kspace(shape, index)))
    image = picture(raw)
    assert image.shape == (1,) * (3 - len(shape)) + shape
    assert np.unravel_index(np.argmax(image), image.shape) == (0,) * (3 - len(shape)) + index
    assert image.max() == pytest.approx(np.sqrt(5), rel=1e-5)
    assert raw.encoding.acceleration == (1.0, 1.0) and "voxels of 1 mm" in raw.provenance["assumed"]


def test_lines_that_were_not_sampled_are_not_rows(tmp_path: Path) -> None:
    k = point_kspace((16, 12), (5, 5))
    mask = np.zeros(16, bool)
    mask[::3], mask[4:11] = True, True
    k[:, ~mask] = 0
    k[:, :, :2] = 0
    raw = read_raw(saved(tmp_path, k))
    assert np.array_equal(raw.encoding.counter("line"), np.flatnonzero(mask))
    # The two unsampled columns are a partial echo: fewer samples, k = 0 at the fifth.
    assert (raw.encoding.samples, raw.encoding.centre_sample) == (10, 4)
    assert raw.encoding.calibration == ((5, 11), (0, 1))
    assert raw.encoding.acceleration[0] == pytest.approx(16 / mask.sum())
    first = raw.encoding.k_first_per_m[0]
    assert np.allclose(first, [-4 / 0.012, -8 / 0.016, 0])


def test_the_readout_may_be_another_axis(tmp_path: Path) -> None:
    k = point_kspace((6, 10, 8), (1, 7, 5))
    mask = np.random.default_rng(0).random((6, 8)) < 0.5
    k *= mask[None, :, None, :]
    raw = read_raw(saved(tmp_path, k))
    assert raw.encoding.geometry.encoded_matrix == (10, 8, 6) and raw.samples.shape == (int(mask.sum()), 2, 10)
    assert "readout along ky" in raw.provenance["assumed"]
    assert np.array_equal(raw.encoding.geometry.read, [0, 1, 0])


def test_scattered_samples_are_rows_of_one(tmp_path: Path) -> None:
    k = point_kspace((20, 24), (3, 15))
    mask = np.random.default_rng(0).random((20, 24)) < 0.3
    mask[7:13, 9:15] = True
    k *= mask
    raw = read_raw(saved(tmp_path, k))
    assert raw.samples.shape == (int(mask.sum()), 2, 1) and raw.encoding.geometry.matrix == (1, 20, 24)
    line, partition = raw.encoding.counter("line"), raw.encoding.counter("partition")
    assert np.array_equal(raw.samples[:, :, 0].T, k[:, line, partition])
    (l0, l1), (p0, p1) = raw.encoding.calibration
    assert l0 <= 7 and l1 >= 13 and p0 <= 9 and p1 >= 15 and mask[l0:l1, p0:p1].all()
    image = picture(raw)
    assert np.unravel_index(np.argmax(image), image.shape) == (15, 3, 0)


def brute_force_region(mask: np.ndarray) -> int:
    lines, partitions = mask.shape
    best = 0
    for n in range(min(4, lines), lines + 1):
        for m in range(min(4, partitions), partitions + 1):
            a, b = lines // 2 - n // 2, partitions // 2 - m // 2
            best = max(best, n * m if mask[a : a + n, b : b + m].all() else 0)
    return best


@pytest.mark.parametrize("seed", range(12))
def test_the_calibration_block_is_the_largest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(5, 16)), int(rng.integers(1, 14)))
    mask = rng.random(shape) < 0.6
    mask[shape[0] // 2 - 3 : shape[0] // 2 + 3, max(0, shape[1] // 2 - 2) : shape[1] // 2 + 3] = True
    mask |= (rng.random(shape[0]) < 0.4)[:, None]
    (l0, l1), (p0, p1) = calibration_region(mask)
    assert (l1 - l0) * (p1 - p0) == brute_force_region(mask)
    assert mask[l0:l1, p0:p1].all()


def write_bart(folder: Path, array: np.ndarray) -> Path:
    """A .cfl pair of `array` in BART's order of dimensions."""
    np.asfortranarray(array, dtype=np.complex64).ravel(order="F").tofile(folder / "k.cfl")
    (folder / "k.hdr").write_text("# Dimensions\n" + " ".join(str(n) for n in array.shape) + " \n")
    return folder / "k.cfl"


def test_bart_pairs_are_read(tmp_path: Path) -> None:
    k = point_kspace((6, 10, 8), (1, 7, 5))
    echoes = np.stack([k, 1j * k])
    bart = echoes.transpose(4, 3, 2, 1, 0)[:, :, :, :, None, :]
    path = write_bart(tmp_path, bart)
    for name in (path, path.with_suffix(".hdr"), path.with_suffix("")):
        raw = read_raw(name)
        image = picture(raw)
        assert np.unravel_index(np.argmax(image), image.shape) == (1, 7, 5)
        assert raw.samples.shape == (120, 2, 8) and set(raw.encoding.counter("contrast")) == {0, 1}
    second = raw.encoding.counter("contrast") == 1
    assert np.allclose(raw.samples[second], 1j * raw.samples[~second])


def test_archives_hold_one_complex_array(tmp_path: Path) -> None:
    k = point_kspace((12, 16), (3, 10))
    np.savez_compressed(tmp_path / "k.npz", ksp=k, other=np.ones(3), maps=k)
    assert read_raw(tmp_path / "k.npz").samples.shape == (12, 2, 16)
    np.savez(tmp_path / "two.npz", one=k, two=k)
    with pytest.raises(FormatError, match="holds one, two; wanted one complex array"):
        read_raw(tmp_path / "two.npz")


def test_the_kind_is_told_by_content(tmp_path: Path) -> None:
    write_mrd(volume_raw(), tmp_path / "scan.dat")
    assert read_raw(tmp_path / "scan.dat").coil_name == "head-12"
    with (tmp_path / "k.bin").open("wb") as file:
        np.save(file, point_kspace((12, 16), (3, 10)))
    assert read_raw(tmp_path / "k.bin").samples.shape == (12, 2, 16)
    write_dat(
        tmp_path / "s.dat", [Readout(np.ones((2, 8)), {"Lin": n, "Eco": 1}, (), (4, 5, 0)) for n in range(10)], partitions=1
    )
    assert read_raw(tmp_path / "s.dat").provenance["source"] == "Siemens"


def hostile(kind: str, folder: Path) -> Path:
    path = saved(folder, point_kspace((12, 16), (3, 10)))
    whole = path.read_bytes()
    match kind:
        case "missing":
            return folder / "none.npy"
        case "folder":
            return folder
        case "unknown":
            path = path.rename(folder / "k.xyz")
            path.write_bytes(b"what is this")
        case "empty":
            path.write_bytes(b"")
        case "random":
            path.write_bytes(np.random.default_rng(3).bytes(4000))
        case "cut":
            path.write_bytes(whole[:-100])
        case "cut header":
            path.write_bytes(whole[:40])
        case "huge":
            path.write_bytes(whole.replace(b"(2, 12, 16)", b"(2, 12,1e9)").replace(b"1e9", b"999999999"))
        case "pickle":
            np.save(path, np.array([{}], dtype=object), allow_pickle=True)
        case "real":
            np.save(path, np.ones((2, 12, 16)))
        case "flat":
            np.save(path, np.ones(12, complex))
        case "zero":
            np.save(path, np.zeros((2, 12, 16), complex))
        case "nan" | "beyond float32":
            k = point_kspace((12, 16), (3, 10)).astype(complex)
            k[1, 2, 3] = np.nan if kind == "nan" else 1e300
            np.save(path, k)
        case "scattered volume":
            np.save(path, point_kspace((6, 10, 8), (1, 7, 5)) * (np.random.default_rng(0).random((6, 10, 8)) < 0.5))
        case "cut archive":
            np.savez(folder / "k.npz", ksp=np.ones((2, 12, 16), complex))
            path = folder / "k.npz"
            path.write_bytes(path.read_bytes()[:-60])
        case _:
            path = hostile_bart(kind, folder)
    return path


def hostile_bart(kind: str, folder: Path) -> Path:
    path = write_bart(folder, point_kspace((12, 16), (3, 10)).transpose(2, 1, 0)[:, :, None, :])
    match kind:
        case "bart alone":
            path.with_suffix(".hdr").unlink()
        case "bart cut":
            path.write_bytes(path.read_bytes()[:-8])
        case "bart words":
            path.with_suffix(".hdr").write_text("# Dimensions\n16 -12 one\n")
        case "bart maps":
            write_bart(folder, np.ones((8, 8, 1, 2, 2), complex))
        case "bart empty":
            path.with_suffix(".hdr").write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("kind", "error", "sentence"),
    [
        ("missing", FormatError, "no such file"),
        ("folder", FormatError, "is a folder"),
        ("unknown", FormatError, "neither its content nor its name is known"),
        ("empty", FormatError, "not a whole NumPy file"),
        ("random", FormatError, "not a whole NumPy file"),
        ("cut", FormatError, "not a whole NumPy file"),
        ("cut header", FormatError, "not a whole NumPy file"),
        ("huge", FormatError, "not a whole NumPy file"),
        ("pickle", FormatError, "not a whole NumPy file"),
        ("cut archive", FormatError, "not a whole NumPy file"),
        ("real", FormatError, "its numbers are float64, wanted complex"),
        ("flat", FormatError, "its shape is (12,), wanted (coil, ky, kx)"),
        ("zero", FormatError, "all of its k-space is zero"),
        ("nan", ValueRangeError, "NaN or infinity in 1 of 384 samples"),
        ("beyond float32", ValueRangeError, "NaN or infinity in 1 of 384 samples"),
        ("scattered volume", FormatError, "no axis along which whole lines are sampled"),
        ("bart alone", FormatError, "k.hdr is missing"),
        ("bart cut", FormatError, "k.cfl has 3064 bytes, its header says 3072"),
        ("bart words", FormatError, "lists no dimensions"),
        ("bart maps", FormatError, "MAPS = 2 are not those of k-space"),
        ("bart empty", FormatError, "lists no dimensions"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path: Path, kind: str, error: type[Exception], sentence: str) -> None:
    path = hostile(kind, tmp_path)
    with pytest.raises(error) as caught:
        read_raw(path)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_a_real_brain_appears(shared_data: Path) -> None:
    raw: RawData = read_raw(shared_data / "raw_sigpy_brain" / "cartesian_ksp.npy")
    assert raw.samples.shape == (5148, 8, 1) and raw.encoding.geometry.matrix == (1, 230, 180)
    (l0, l1), (p0, p1) = raw.encoding.calibration
    assert (l1 - l0, p1 - p0) == (24, 24)
    image = picture(raw)[:, :, 0].T
    assert image[80:150, 60:120].mean() > 5 * image[:20, :20].mean()
