# TRUTHS of MRD: what is written is read back, field by field | the ismrmrd package reads header, flags, counters, positions,
# trajectory and samples | noise comes first and is flagged | 6000 x 12 x 384 in seconds | an interrupted write leaves nothing |
# files of others: reversed lines turn, phase correction goes, several encodings: the first, k = 0 at n // 2 |
# readouts of other lengths, dwell times, labels and measures | missing, empty, random, truncated, foreign, NaN: one sentence
from __future__ import annotations

import time
from dataclasses import fields, replace
from pathlib import Path

import h5py
import ismrmrd
import numpy as np
import pytest

from fullbore.data import AcquisitionFlag, Encoding, Geometry, RawData
from fullbore.errors import FormatError, OutputError, ShapeError, ValueRangeError
from fullbore.files.mrd import read_mrd, write_mrd
from tests.files.examples import oblique_geometry, volume_raw


def assert_same(one: object, two: object, skip: tuple[str, ...] = ()) -> None:
    for field in fields(one):  # type: ignore[arg-type]
        a, b = getattr(one, field.name), getattr(two, field.name)
        if field.name in skip:
            continue
        if isinstance(a, Encoding | Geometry):
            assert_same(a, b, skip)
        elif isinstance(a, np.ndarray | tuple):
            assert np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True), field.name
            assert np.asarray(a).dtype == np.asarray(b).dtype, field.name
        else:
            assert a == b, field.name


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    raw = volume_raw()
    write_mrd(raw, tmp_path / "a.h5")
    back = read_mrd(tmp_path / "a.h5")
    assert_same(raw, back, skip=("trajectory_per_m",))
    extent = np.abs(raw.trajectory_per_m).max()
    # MRD stores trajectories in float32: half a unit in the last place per axis, and a rotation of three axes.
    assert np.abs(back.trajectory_per_m - raw.trajectory_per_m).max() < 1e-6 * extent


def test_readouts_that_differ_are_read_back(tmp_path: Path) -> None:
    raw = volume_raw()
    rows = raw.encoding.rows
    lengths = np.where(np.arange(rows) % 3 == 1, 10, 16)
    flags = raw.encoding.flags.copy()
    flags[2] |= np.uint64(AcquisitionFlag.NOISE)
    encoding = replace(
        raw.encoding,
        row_samples=lengths,
        row_dwell_s=np.where(lengths == 10, 1 / 3e5, 1 / 7e5),
        labels={"TRID": np.arange(rows, dtype=np.int32)},
        measures={"b_value_s_per_m2": np.where(np.arange(rows) % 2, 1e9, np.nan)},
        flags=flags,
    )
    within = np.arange(16) < lengths[:, None]
    samples, trajectory = raw.samples * within[:, None], raw.trajectory_per_m * within[..., None]
    raw = replace(raw, encoding=encoding, samples=samples, trajectory_per_m=trajectory)
    write_mrd(raw, tmp_path / "a.h5")
    back = read_mrd(tmp_path / "a.h5")
    assert_same(raw, back, skip=("trajectory_per_m", "labels", "measures"))
    assert np.array_equal(back.encoding.measures["b_value_s_per_m2"], encoding.measures["b_value_s_per_m2"], equal_nan=True)
    assert np.array_equal(back.encoding.labels["TRID"], encoding.labels["TRID"])
    assert np.abs(back.trajectory_per_m - trajectory).max() < 1e-6 * np.abs(trajectory).max()
    dataset = ismrmrd.Dataset(tmp_path / "a.h5", "dataset", mode="r")
    last = [dataset.read_acquisition(dataset.number_of_acquisitions() - 1 - row) for row in range(3)]
    assert [acquisition.number_of_samples for acquisition in last] == lengths[::-1][:3].tolist()
    assert [acquisition.sample_time_us for acquisition in last] == pytest.approx(encoding.row_dwell_s[::-1][:3] * 1e6)


def test_nothing_is_invented_for_what_raw_data_lack(tmp_path: Path) -> None:
    raw = replace(volume_raw(), noise=None, noise_dwell_s=0.0, trajectory_per_m=None, coil_name="", system="", provenance={})
    write_mrd(raw, tmp_path / "a.h5")
    assert_same(raw, read_mrd(tmp_path / "a.h5"))


def test_stacks_of_slices_keep_their_geometry(tmp_path: Path) -> None:
    raw = volume_raw()
    encoding = replace(raw.encoding, geometry=oblique_geometry((8, 6, 1), slices=5))
    write_mrd(replace(raw, encoding=encoding), tmp_path / "a.h5")
    back = read_mrd(tmp_path / "a.h5").encoding.geometry
    assert_same(encoding.geometry, back)
    assert np.array_equal(back.grid().affine_m, encoding.geometry.grid().affine_m)


@pytest.fixture
def written(tmp_path: Path) -> tuple[RawData, ismrmrd.Dataset]:
    raw = volume_raw()
    write_mrd(raw, tmp_path / "a.h5")
    return raw, ismrmrd.Dataset(tmp_path / "a.h5", "dataset", mode="r")


def test_the_ismrmrd_package_reads_the_header(written: tuple[RawData, ismrmrd.Dataset]) -> None:
    _, dataset = written
    header = ismrmrd.xsd.CreateFromDocument(dataset.read_xml_header())
    assert header.experimentalConditions.H1resonanceFrequency_Hz == round(2.9 * 42.57638543e6)
    system = header.acquisitionSystemInformation
    assert (system.receiverChannels, system.systemFieldStrength_T, system.systemModel) == (3, 2.9, "fullbore-65cm")
    assert [(label.coilNumber, label.coilName) for label in system.coilLabel] == [(i, f"head-12:{i + 1}") for i in range(3)]
    encoding = header.encoding[0]
    assert (encoding.encodedSpace.matrixSize.x, encoding.reconSpace.matrixSize.x) == (16, 8)
    assert encoding.encodedSpace.fieldOfView_mm.x == pytest.approx(420) and encoding.reconSpace.fieldOfView_mm.z == pytest.approx(
        130
    )
    limits = encoding.encodingLimits
    expected = {"kspace_encoding_step_0": (0, 15, 7), "kspace_encoding_step_1": (0, 5, 3), "kspace_encoding_step_2": (0, 3, 2)}
    expected |= {"contrast": (0, 1, 0), "set": (0, 2, 0), "segment": (0, 4, 0), "slice": (0, 0, 0), "average": (0, 0, 0)}
    for name, values in expected.items():
        limit = getattr(limits, name)
        assert (limit.minimum, limit.maximum, limit.center) == values, name
    assert encoding.trajectory.value == "cartesian" and encoding.echoTrainLength == 4
    assert encoding.parallelImaging.accelerationFactor.kspace_encoding_step_1 == 2
    assert header.sequenceParameters.TR == [2300] and header.sequenceParameters.TI == [60, 250]
    assert header.sequenceParameters.flipAngle_deg == [pytest.approx(9)]
    assert header.measurementInformation.protocolName == "t1 <mprage> & more"


def test_the_ismrmrd_package_reads_the_acquisitions(written: tuple[RawData, ismrmrd.Dataset]) -> None:
    raw, dataset = written
    assert dataset.number_of_acquisitions() == 2 + raw.encoding.rows
    noise = [dataset.read_acquisition(index) for index in range(2)]
    assert all(block.is_flag_set(ismrmrd.ACQ_IS_NOISE_MEASUREMENT) for block in noise)
    assert np.array_equal(np.concatenate([block.data for block in noise], axis=1), raw.noise)
    assert noise[0].sample_time_us == pytest.approx(5)
    row = 9
    readout = dataset.read_acquisition(2 + row)
    assert np.array_equal(readout.data, raw.samples[row])
    assert (readout.center_sample, readout.active_channels, readout.scan_counter) == (7, 3, 12)
    assert (readout.idx.kspace_encode_step_1, readout.idx.kspace_encode_step_2) == (3, 1)
    assert (readout.idx.contrast, readout.idx.set, readout.idx.segment) == (1, 0, 4)
    assert [readout.isChannelActive(channel) for channel in range(4)] == [True, True, True, False]
    geometry = raw.encoding.geometry
    assert np.allclose(readout.read_dir[:], geometry.read) and np.allclose(readout.slice_dir[:], geometry.slice)
    assert np.allclose(readout.position[:], geometry.centre_m * 1e3)
    frame = np.stack([geometry.read, geometry.phase, geometry.slice])
    assert np.allclose(readout.traj, raw.trajectory_per_m[row] @ frame.T, atol=1e-4)
    last = dataset.read_acquisition(1 + raw.encoding.rows)
    assert last.is_flag_set(ismrmrd.ACQ_LAST_IN_MEASUREMENT) and not last.is_flag_set(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)


def test_a_trajectory_along_read_says_so_in_image_axes(written: tuple[RawData, ismrmrd.Dataset]) -> None:
    _, dataset = written
    path = dataset.read_acquisition(2 + 9).traj
    # Neighbouring samples are 1 / 0.42 m apart along read; the fixture's trajectory has errors of 1e-3 per metre.
    assert np.allclose(np.diff(path, axis=0), [1 / 0.42, 0, 0], atol=1e-2)


@pytest.mark.slow
def test_a_whole_brain_takes_seconds(tmp_path: Path) -> None:
    small = volume_raw(coils=12)
    rows, samples = 6000, 384
    take = np.arange(rows) % small.encoding.rows
    arrays = {
        name: getattr(small.encoding, name)[take]
        for name in ("counters", "flags", "k_first_per_m", "k_step_per_m", "echo_time_s", "inversion_time_s")
    }
    encoding = replace(small.encoding, samples=samples, **arrays)
    raw = replace(
        small, encoding=encoding, samples=np.ones((rows, 12, samples), np.complex64), trajectory_per_m=encoding.trajectory_per_m()
    )
    begin = time.perf_counter()
    write_mrd(raw, tmp_path / "a.h5")
    middle = time.perf_counter()
    back = read_mrd(tmp_path / "a.h5")
    end = time.perf_counter()
    assert back.samples.shape == raw.samples.shape
    # Typical: 0.9 s and 0.7 s; the bounds leave room for a busy machine.
    assert middle - begin < 6 and end - middle < 6, (middle - begin, end - middle)


def test_counts_beyond_16_bits_are_refused(tmp_path: Path) -> None:
    raw = volume_raw()
    counters = raw.encoding.counters.copy()
    counters[3, 5] = 70000
    with pytest.raises(ShapeError, match=r"counters 0\.\.70000.*MRD holds 0\.\.65535"):
        write_mrd(replace(raw, encoding=replace(raw.encoding, counters=counters)), tmp_path / "a.h5")


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fullbore.files.mrd._imaging_acquisitions", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_mrd(volume_raw(), tmp_path / "a.h5")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.h5: could not be written"):
        write_mrd(volume_raw(), tmp_path / "no" / "a.h5")


# --- hostile files


def hostile(kind: str, path: Path) -> None:
    write_mrd(volume_raw(noise=100), path)
    whole = path.read_bytes()
    match kind:
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "random":
            path.write_bytes(np.random.default_rng(1).bytes(5000))
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "scrambled":
            path.write_bytes(whole[:3000] + np.random.default_rng(1).bytes(len(whole) - 6000) + whole[-3000:])
        case _:
            with h5py.File(path, "r+") as file:
                _spoil(kind, file)


def _spoil(kind: str, file: h5py.File) -> None:
    group = file["dataset"]
    match kind:
        case "no group":
            file.move("dataset/xml", "dataset/other")
        case "no acquisitions":
            group["data"].resize((0,))
        case "plain numbers":
            del group["data"]
            group["data"] = np.arange(10)
        case "bad xml":
            group["xml"][0] = b"<ismrmrdHeader><encoding>"
        case "other xml":
            group["xml"][0] = b"<html></html>"
        case "no encoding":
            group["xml"][0] = b"<ismrmrdHeader></ismrmrdHeader>"
        case "bad matrix":
            text = group["xml"][0]
            group["xml"][0] = text.replace(b"<x>16</x>", b"<x>-5</x>").replace(b"fullbore.format", b"foreign")
        case "lost parameter":
            group["xml"][0] = group["xml"][0].replace(b"encoding.dwell_s", b"encoding.other")
        case "not a number":
            group["xml"][0] = group["xml"][0].replace(b"<value>2.3</value>", b"<value>quick</value>")
        case "short row":
            row = group["data"][7]
            row["data"] = row["data"][:-2]
            group["data"][7] = row
        case "nan":
            row = group["data"][7]
            row["data"][3] = np.nan
            group["data"][7] = row
        case "fewer rows":
            group["data"].resize((20,))


@pytest.mark.parametrize(
    ("kind", "error", "sentence"),
    [
        ("missing", FormatError, "no such file"),
        ("empty", FormatError, "not a whole MRD HDF5 file"),
        ("random", FormatError, "not a whole MRD HDF5 file"),
        ("cut", FormatError, "not a whole MRD HDF5 file"),
        ("scrambled", FormatError, "a.h5: "),
        ("no group", FormatError, "no group in it has MRD's 'xml' and 'data'"),
        ("no acquisitions", FormatError, "holds no acquisition"),
        ("plain numbers", FormatError, "not a list of MRD acquisitions"),
        ("bad xml", FormatError, "the MRD header is not XML"),
        ("other xml", FormatError, "the header is <html>"),
        ("no encoding", FormatError, "has no <encoding>"),
        ("bad matrix", FormatError, "wanted positive sizes"),
        ("lost parameter", FormatError, "lacks encoding.dwell_s"),
        ("not a number", FormatError, "wanted a number"),
        ("short row", FormatError, "acquisition 7: its data has 94 numbers where its head says 96"),
        ("nan", ValueRangeError, "NaN or infinity in acquisition 7 and 0 others"),
        ("fewer rows", FormatError, "does not have 19 rows"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path: Path, kind: str, error: type[Exception], sentence: str) -> None:
    path = tmp_path / "a.h5"
    hostile(kind, path)
    with pytest.raises(error) as caught:
        read_mrd(path)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
