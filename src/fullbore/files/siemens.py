"""Siemens raw data (`.dat`, VB to XA) as `RawData`.

Siemens states directions for a forward Fourier transform, and its quaternion turns (phase, read, slice) into LPS; samples
are conjugated to fit the law of `fullbore.data`. Found independently in github.com/PTB-MR/mrpro (pull request 833) and in
the sign flips of twixtools' geometry.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from twixtools.mdb import Mdb

from fullbore.data import AcquisitionFlag, Geometry, RawData
from fullbore.errors import FormatError, ValueRangeError
from fullbore.files.cartesian import Timing, cartesian_encoding, counters_table, slice_stack
from fullbore.files.siemens_lines import Measurement, open_measurements
from fullbore.files.siemens_order import infer_order

_COUNTERS = {
    "line": "Lin",
    "partition": "Par",
    "slice": "Sli",
    "contrast": "Eco",
    "phase": "Phs",
    "repetition": "Rep",
    "set": "Set",
    "segment": "Seg",
    "average": "Ave",
}
_NOT_IMAGING = (
    *("PHASCOR", "RTFEEDBACK", "HPFEEDBACK", "SYNCDATA", "REFPHASESTABSCAN", "PHASESTABSCAN", "NOISEADJSCAN"),
    *("RETRO_DUMMYSCAN", "SLICE_ACCEL_REFSCAN", "SLICE_ACCEL_PHASCOR", "noname60"),
)
# Of the readouts' time stamps; and the fewest of a train that tell its spacing to a tenth.
_TICK_S, _FEWEST_IN_TRAIN = 2.5e-3, 16


def read_siemens(path: str | Path) -> RawData:
    """The last imaging measurement of a `.dat` file, with the noise adjustment of any of its measurements.

    Readout oversampling is kept (encoded matrix). Where counters only number the readouts, as in Pulseq sequences
    without labels, the order of lines is inferred and the provenance says so; their protocol header describes another
    sequence, so times and flip angle are left unknown.
    Errors: FormatError when the file is missing, truncated, foreign or holds no image readout; ValueRangeError for NaN.
    """
    who = str(path)
    measurements = open_measurements(path)
    chosen = _last_imaging(measurements, who)
    lines, left_out = _of_one_size([line for line in chosen.lines if _is_imaging(line)])
    samples = _samples(lines, who)
    notes = [f"{left_out} readouts of another size left out"] if left_out else []
    counters, is_labelled, reflected, sentence = _labels(lines, samples)
    notes += sentence
    samples[reflected] = samples[reflected, :, ::-1]
    protocol = _Protocol(chosen, who)
    timing = protocol.timing(is_labelled)
    if reflected.any() and (spacing := _train_spacing_s(lines)) > 0:
        timing = replace(timing, echo_spacing_s=spacing)
        notes.append(f"echo spacing {1e3 * spacing:.2f} ms by the clock of the readouts (ticks of 2.5 ms)")
    geometry, rank = _geometry(protocol, lines, counters, samples.shape[2], is_labelled)
    counters["slice"] = rank
    centre = int(lines[0].mdh.CenterCol)
    encoding = cartesian_encoding(
        geometry,
        samples=samples.shape[2],
        centre_sample=centre if 0 < centre < samples.shape[2] else samples.shape[2] // 2,
        counters=counters_table(len(lines), **counters),
        flags=np.array([_flags(line) for line in lines], np.uint64),
        timing=timing,
        protocol=protocol.name,
    )
    noise = _noise(measurements, samples.shape[1], who)
    return RawData(
        encoding=encoding,
        samples=samples,
        b0_T=protocol.b0_T,
        noise=noise,
        noise_dwell_s=encoding.dwell_s if noise is not None else 0.0,
        system=protocol.system,
        provenance={"source": "Siemens", "assumed": "; ".join(notes) or "nothing"},
    )


def _last_imaging(measurements: list[Measurement], who: str) -> Measurement:
    imaging = [item for item in measurements if any(_is_imaging(line) for line in item.lines)]
    if not imaging:
        raise FormatError(f"{who}: holds no image readout. Give the imaging measurement.")
    return imaging[-1]


def _labels(lines: list[Mdb], samples: np.ndarray) -> tuple[dict[str, np.ndarray], bool, np.ndarray, list[str]]:
    """Counters by name, whether the file states them, which rows are reversed, and what had to be inferred."""
    counters = {name: np.array([getattr(line.mdh.Counter, key) for line in lines]) for name, key in _COUNTERS.items()}
    if _is_labelled(counters, lines):
        return counters, True, np.array([line.is_flag_set("REFLECT") for line in lines]), []
    order = infer_order(samples)
    # Turned readouts keep their polarity in the segment, as in labelled echo-planar data.
    counters |= {"line": order.line, "contrast": order.contrast, "segment": order.reverse.astype(int)}
    return counters, False, order.reverse, [order.sentence, "no oversampling, times and flip angle unknown"]


def _train_spacing_s(lines: list[Mdb]) -> float:
    """Time from readout to readout in the longest train, 0 if unknown: the slope of time stamps, a few per cent for 60 lines."""
    ticks = np.array([int(line.mdh.TimeStamp) for line in lines], dtype=np.int64)
    steps = np.diff(ticks)
    if len(steps) == 0 or steps.min() < 0:
        return 0.0
    breaks = np.flatnonzero(steps > 2 + 2 * np.median(steps)) + 1
    train = max(np.split(ticks, breaks), key=len)
    return float(np.polyfit(np.arange(len(train)), train, 1)[0]) * _TICK_S if len(train) >= _FEWEST_IN_TRAIN else 0.0


class _Protocol:
    """The few fields that are wanted of a protocol, with defaults for what a sequence leaves out."""

    def __init__(self, measurement: Measurement, who: str) -> None:
        self._who = who
        self._all = measurement.protocol
        self._yaps = measurement.protocol["MeasYaps"]
        self.name = str(self._at("tProtocolName") or self._of("Meas", "tProtocolName") or "unknown").strip('"')
        model = (self._of("Dicom", "Manufacturer") or "Siemens", self._of("Dicom", "ManufacturersModelName") or "")
        self.system = " ".join(str(part) for part in model).strip()
        self.b0_T = self._number("sProtConsistencyInfo", "flNominalB0") or _as_float(self._of("Dicom", "flMagneticFieldStrength"))

    def fov_m(self) -> tuple[float, float, float]:
        """Read, phase and slice (slab) extent without oversampling."""
        first = [self._number("sSliceArray", "asSlice", 0, key) * 1e-3 for key in ("dReadoutFOV", "dPhaseFOV", "dThickness")]
        if min(first[:2]) <= 0:
            raise FormatError(f"{self._who}: its protocol states no field of view. Export the measurement again.")
        return first[0], first[1], first[2] or 1e-3

    def oversampling(self) -> tuple[float, float]:
        """Relative widening of the field of view along phase and slice."""
        return (
            1 + self._number("sKSpace", "dPhaseOversamplingForDialog"),
            1 + self._number("sKSpace", "dSliceOversamplingForDialog"),
        )

    @property
    def is_3d(self) -> bool:
        """True for a slab with partitions."""
        return int(self._number("sKSpace", "ucDimension")) == 4 and self._number("sKSpace", "lPartitions") > 1

    def count(self, name: str, fallback: str) -> int:
        """A size that the reconstruction prepared (Meas), or the protocol's own."""
        return int(_as_float(self._of("Meas", name)) or self._number("sKSpace", fallback))

    @property
    def base_resolution(self) -> int:
        """Columns of the image."""
        return int(self._number("sKSpace", "lBaseResolution"))

    def timing(self, is_labelled: bool) -> Timing:
        """Times and flip angle; only the dwell time when the header does not describe the sequence."""
        dwell = self._number("sRXSPEC", "alDwellTime", 0) * 1e-9
        if not is_labelled:
            return Timing(dwell_s=dwell)
        contrasts = max(1, int(self._number("lContrasts")))
        echoes = [self._number("alTE", index) * 1e-6 for index in range(contrasts)]
        inverted = int(self._number("sPrepPulses", "ucInversion")) not in (0, 4)
        return Timing(
            repetition_time_s=self._number("alTR", 0) * 1e-6,
            echo_times_s=tuple(echoes),
            inversion_times_s=(self._number("alTI", 0) * 1e-6,) if inverted else (),
            flip_rad=float(np.deg2rad(self._number("adFlipAngleDegree", 0))),
            dwell_s=dwell,
            echo_train_length=max(1, int(self._number("sFastImaging", "lTurboFactor"))),
        )

    def _at(self, *path: str | int) -> Any:
        value: Any = self._yaps
        for key in path:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def _of(self, part: str, name: str) -> Any:
        return self._all.get(part, {}).get(name)

    def _number(self, *path: str | int) -> float:
        return _as_float(self._at(*path))


def _as_float(value: object) -> float:
    """A protocol value as a finite number, 0 when it is none (hexadecimal texts included)."""
    try:
        number = float(int(value, 16)) if isinstance(value, str) and value.startswith("0x") else float(str(value))
    except ValueError:
        return 0.0
    return number if np.isfinite(number) else 0.0


def _is_imaging(line: Mdb) -> bool:
    return not any(line.is_flag_set(name) for name in _NOT_IMAGING) and line.mdh.SamplesInScan > 0


def _of_one_size(lines: list[Mdb]) -> tuple[list[Mdb], int]:
    sizes = [(int(line.mdh.SamplesInScan), int(line.mdh.UsedChannels)) for line in lines]
    wanted = Counter(sizes).most_common(1)[0][0]
    chosen = [line for line, size in zip(lines, sizes, strict=True) if size == wanted]
    return chosen, len(lines) - len(chosen)


def _samples(lines: list[Mdb], who: str) -> np.ndarray:
    """Conjugated samples (row, coil, sample), without those that the headers cut off at the start."""
    pre = max(int(line.mdh.CutOff.Pre) for line in lines)
    cut = pre if pre < int(lines[0].mdh.CenterCol) else 0
    samples = np.conj(np.stack([line.data for line in lines]))
    samples[:, :, :cut] = 0
    good = np.isfinite(samples.view(np.float32)).all(axis=(1, 2))
    if not good.all():
        got = f"NaN or infinity in readout {int(np.flatnonzero(~good)[0])} and {int((~good).sum()) - 1} others"
        raise ValueRangeError(f"{who}: {got}. Export the measurement again.")
    return np.ascontiguousarray(samples, dtype=np.complex64)


def _flags(line: Mdb) -> int:
    both, only = line.is_flag_set("PATREFANDIMASCAN"), line.is_flag_set("PATREFSCAN")
    flag = AcquisitionFlag.CALIBRATION_AND_IMAGING if both else AcquisitionFlag.CALIBRATION if only else AcquisitionFlag.NONE
    return int(flag)


def _is_labelled(counters: dict[str, np.ndarray], lines: list[Mdb]) -> bool:
    """False when the line counter only numbers the readouts, or is constant, and nothing else counts."""
    others = any(np.ptp(values) for name, values in counters.items() if name != "line")
    line = counters["line"]
    only_numbers = np.array_equal(line, np.arange(len(line))) or (np.ptp(line) == 0 and len(line) > 1)
    return bool(others or not only_numbers or lines[0].mdh.CenterLin > 0)


def _geometry(
    protocol: _Protocol, lines: list[Mdb], counters: dict[str, np.ndarray], samples: int, is_labelled: bool
) -> tuple[Geometry, np.ndarray]:
    """The geometry, and each row's slice in rising order; moves the line and partition counters to k = 0 at n // 2."""
    fov, wide = protocol.fov_m(), protocol.oversampling()
    encoded, extent = [samples, int(counters["line"].max()) + 1, 1], [fov[0], fov[1], fov[2]]
    matrix_x = samples
    if is_labelled:
        encoded[0] = max(samples, protocol.count("iNoOfFourierColumns", "lBaseResolution"))
        matrix_x = protocol.base_resolution if 0 < protocol.base_resolution <= encoded[0] else encoded[0]
        extent = [fov[0] * encoded[0] / matrix_x, fov[1] * wide[0], fov[2] * (wide[1] if protocol.is_3d else 1)]
        head = lines[0].mdh
        encoded[1] = _centre("line", counters, int(head.CenterLin), protocol.count("iPEFTLength", "lPhaseEncodingLines"))
        if protocol.is_3d:
            encoded[2] = _centre("partition", counters, int(head.CenterPar), protocol.count("i3DFTLength", "lPartitions"))
    if encoded[2] == 1:
        counters["partition"] = np.zeros_like(counters["partition"])
    read, phase, normal = _directions(lines[0])
    places = np.array([[line.mdh.SliceData.SlicePos.Sag, line.mdh.SliceData.SlicePos.Cor, line.mdh.SliceData.SlicePos.Tra]
                       for line in lines]) * 1e-3  # fmt: skip
    rank, offsets, centre = slice_stack(counters["slice"], places, normal, fov[2])
    geometry = Geometry(
        read=read,
        phase=phase,
        slice=normal,
        centre_m=centre,
        fov_m=(fov[0], extent[1], extent[2]),
        matrix=(matrix_x, encoded[1], encoded[2]),
        encoded_fov_m=(extent[0], extent[1], extent[2]),
        encoded_matrix=(encoded[0], encoded[1], encoded[2]),
        slice_offsets_m=offsets,
    )
    return geometry, rank


def _centre(name: str, counters: dict[str, np.ndarray], centre: int, stated: int) -> int:
    """Move a counter so that k = 0 is at n // 2 and return n, the stated size or what the counters need."""
    if centre == 0:
        size = int(counters[name].max()) + 1
        return size
    offset = counters[name].astype(int) - centre
    size = max(stated, 2 * int(-offset.min()), 2 * int(offset.max()) + 1)
    counters[name] = offset + size // 2
    return size


def _directions(line: Mdb) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read, phase and slice in LPS from the quaternion (w, x, y, z) of a readout; the scanner's axes when it is zero."""
    quaternion = np.array(line.mdh.SliceData.Quaternion, dtype=np.float64)
    size = np.linalg.norm(quaternion)
    if not 0.5 < size < 2:
        return np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), np.array([0, 0, 1.0])
    w, x, y, z = quaternion / size
    phase = np.array([1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)])
    read = np.array([2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)])
    return read, phase, np.cross(phase, read)


def _noise(measurements: list[Measurement], coils: int, who: str) -> np.ndarray | None:
    lines = [line for item in measurements for line in item.lines if line.is_flag_set("NOISEADJSCAN")]
    blocks = [_samples([line], who)[0] for line in lines if int(line.mdh.UsedChannels) == coils]
    return np.concatenate(blocks, axis=1) if blocks else None
