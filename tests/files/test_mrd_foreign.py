# TRUTHS of other people's MRD: a file written by the ismrmrd package is read | reversed lines turn round | phase correction,
# navigators and other encodings are left out, and that is said | k = 0 goes to n // 2 by the header's centre | slices in rising
# order | Siemens' samples are conjugated | missing optional fields are no hindrance | no image readout: one sentence
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ismrmrd
import numpy as np
import pytest

from fullbore.data import RawData
from fullbore.errors import FormatError
from fullbore.files import read_raw

HEADER = """<?xml version="1.0"?>
<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">
 {system}
 <experimentalConditions><H1resonanceFrequency_Hz>63864000</H1resonanceFrequency_Hz></experimentalConditions>
 <encoding>
  <encodedSpace><matrixSize><x>16</x><y>8</y><z>1</z></matrixSize>
   <fieldOfView_mm><x>400</x><y>200</y><z>5</z></fieldOfView_mm></encodedSpace>
  <reconSpace><matrixSize><x>8</x><y>8</y><z>1</z></matrixSize>
   <fieldOfView_mm><x>200</x><y>200</y><z>5</z></fieldOfView_mm></reconSpace>
  <encodingLimits>{limits}</encodingLimits>
  <trajectory>{trajectory}</trajectory>
 </encoding>
 {more}
</ismrmrdHeader>"""
LIMITS = "<kspace_encoding_step_1><minimum>0</minimum><maximum>6</maximum><center>3</center></kspace_encoding_step_1>"


def samples_of(line: int, number: int = 0) -> np.ndarray:
    rng = np.random.default_rng(100 * number + line)
    return (rng.standard_normal((2, 16)) + 1j * rng.standard_normal((2, 16))).astype(np.complex64)


def acquisition(
    line: int, slice_number: int = 0, data: np.ndarray | None = None, flags: tuple[int, ...] = ()
) -> ismrmrd.Acquisition:
    found = ismrmrd.Acquisition.from_array(samples_of(line, slice_number) if data is None else data)
    found.idx.kspace_encode_step_1, found.idx.slice = line, slice_number
    found.center_sample, found.sample_time_us = found.number_of_samples // 2, 5.0
    found.read_dir[:], found.phase_dir[:], found.slice_dir[:] = (0, 1, 0), (0, 0, 1), (1, 0, 0)
    found.position[:] = (10.0 - 6.0 * slice_number, 20.0, 30.0)
    for flag in flags:
        found.set_flag(flag)
    return found


def stored(folder: Path, acquisitions: list[ismrmrd.Acquisition], **parts: str) -> RawData:
    parts = {"system": "", "limits": LIMITS, "trajectory": "cartesian", "more": ""} | parts
    with ismrmrd.Dataset(folder / "a.h5", "scan", create_if_needed=True) as dataset:
        dataset.write_xml_header(HEADER.format(**parts).encode())
        for item in acquisitions:
            dataset.append_acquisition(item)
    return read_raw(folder / "a.h5")


def test_a_sparse_header_is_enough(tmp_path: Path) -> None:
    raw = stored(tmp_path, [acquisition(line) for line in range(7)])
    encoding, geometry = raw.encoding, raw.encoding.geometry
    assert np.array_equal(raw.samples, np.stack([samples_of(line) for line in range(7)]))
    # The header puts k = 0 at line 3; of 8 encoded lines it belongs at 4.
    assert np.array_equal(encoding.counter("line"), np.arange(7) + 1)
    assert geometry.matrix == (8, 8, 1) and geometry.encoded_matrix == (16, 8, 1)
    assert np.allclose(geometry.fov_m, (0.2, 0.2, 0.005)) and np.allclose(geometry.centre_m, (0.01, 0.02, 0.03))
    assert raw.b0_T == pytest.approx(1.5, abs=1e-3) and encoding.dwell_s == pytest.approx(5e-6)
    assert encoding.echo_times_s == () and np.isnan(encoding.echo_time_s).all() and raw.noise is None
    assert np.allclose(encoding.k_first_per_m[0], [0, -8 / 0.4, -3 / 0.2]) and np.allclose(encoding.k_step_per_m[0], [0, 2.5, 0])


def test_what_is_no_image_is_left_out(tmp_path: Path) -> None:
    noise = acquisition(0, data=np.full((2, 50), 3 + 4j, np.complex64), flags=(ismrmrd.ACQ_IS_NOISE_MEASUREMENT,))
    others = [acquisition(2, flags=(flag,)) for flag in (ismrmrd.ACQ_IS_PHASECORR_DATA, ismrmrd.ACQ_IS_NAVIGATION_DATA)]
    short = acquisition(2, data=np.ones((2, 10), np.complex64))
    raw = stored(tmp_path, [noise, *others, *(acquisition(line) for line in range(7)), short])
    assert np.array_equal(raw.samples, np.stack([samples_of(line) for line in range(7)]))
    assert raw.noise is not None and np.array_equal(raw.noise, np.full((2, 50), 3 + 4j, np.complex64))
    assert "2 acquisitions that are not imaging left out" in raw.provenance["assumed"]
    assert "1 readouts of another size left out" in raw.provenance["assumed"]


def test_reversed_lines_turn_round(tmp_path: Path) -> None:
    lines = [acquisition(line, flags=(ismrmrd.ACQ_IS_REVERSE,) if line % 2 else ()) for line in range(7)]
    raw = stored(tmp_path, lines)
    assert np.array_equal(raw.samples[2], samples_of(2))
    assert np.array_equal(raw.samples[3, :, 0], samples_of(3)[:, -1]) and np.array_equal(
        raw.samples[3, :, 5], samples_of(3)[:, 10]
    )


def test_the_first_imaging_encoding_is_taken(tmp_path: Path) -> None:
    lines = [acquisition(line) for line in range(7)]
    for item in lines[4:]:
        item.encoding_space_ref = 1
    second = HEADER[HEADER.index(" <encoding>") : HEADER.index("</encoding>") + 11].format(limits="", trajectory="radial")
    raw = stored(tmp_path, lines, more=second)
    assert raw.encoding.rows == 4 and "encoding 0 of 2 taken" in raw.provenance["assumed"]


def test_slices_are_sorted_by_place(tmp_path: Path) -> None:
    raw = stored(tmp_path, [acquisition(line, number) for number in range(3) for line in range(7)])
    geometry = raw.encoding.geometry
    assert np.allclose(geometry.slice_offsets_m, [-0.006, 0, 0.006]) and np.allclose(geometry.centre_m, [0.004, 0.02, 0.03])
    # Slice 0 of the file is the one farthest along the slice direction.
    assert set(raw.encoding.counter("slice")[:7]) == {2} and np.array_equal(raw.samples[0], samples_of(0, 0))


def test_samples_of_siemens_are_conjugated(tmp_path: Path) -> None:
    system = "<acquisitionSystemInformation><systemVendor>SIEMENS</systemVendor></acquisitionSystemInformation>"
    raw = stored(tmp_path, [acquisition(line) for line in range(7)], system=system)
    assert np.array_equal(raw.samples[3], samples_of(3).conj()) and "conjugated" in raw.provenance["assumed"]


@pytest.mark.parametrize("scale", [1 / 16, 1.0, 2.5])
def test_trajectories_are_scaled_by_their_extent(tmp_path: Path, scale: float) -> None:
    lines = []
    for line in range(7):
        item = acquisition(line)
        item.resize(16, 2, 2)
        item.data[:] = samples_of(line)
        item.traj[:, 0], item.traj[:, 1] = scale * np.arange(-8, 8), 0
        lines.append(item)
    raw = stored(tmp_path, lines, trajectory="radial")
    assert raw.trajectory_per_m is not None
    assert np.allclose(raw.trajectory_per_m[3], np.outer(np.arange(-8, 8) / 0.4, [0, 1, 0]), atol=1e-5)


def only_noise(items: list[ismrmrd.Acquisition]) -> None:
    for item in items:
        item.set_flag(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)


def beyond(items: list[ismrmrd.Acquisition]) -> None:
    for item in items:
        item.discard_pre, item.discard_post = 9, 9


@pytest.mark.parametrize(("spoil", "sentence"), [(only_noise, "is an image readout"), (beyond, "marked for discarding")])
def test_useless_files_are_one_sentence(
    tmp_path: Path, spoil: Callable[[list[ismrmrd.Acquisition]], None], sentence: str
) -> None:
    items = [acquisition(line) for line in range(7)]
    spoil(items)
    with pytest.raises(FormatError, match=sentence):
        stored(tmp_path, items)
