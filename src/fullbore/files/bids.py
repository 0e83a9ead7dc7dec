"""BIDS: names and sidecar fields. Source: the BIDS schema 1.10 (bids-specification.readthedocs.io)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fullbore.data import Encoding, Image, ParameterMaps
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T

MAP_SUFFIXES = {
    "T1": "T1map",
    "T2": "T2map",
    "T2*": "T2starmap",
    "T2star": "T2starmap",
    "R1": "R1map",
    "R2": "R2map",
    "R2*": "R2starmap",
    "PD": "PDmap",
    "M0": "M0map",
    "B1": "TB1map",
    "B0": "fieldmap",
}
PERCENT_SUFFIXES = ("TB1map",)
IMAGE_SUFFIXES = ("T1w", "T2w", "PDw", "FLAIR", "T2starw", "inplaneT1", "inplaneT2", "IRT1", "MESE", "MEGRE", "VFA")


def with_entity(stem: Path, key: str, label: str) -> Path:
    """`stem` with `key-label` before its suffix: sub-1_T1w to sub-1_part-phase_T1w."""
    front, _, suffix = stem.name.rpartition("_")
    return stem.with_name(f"{front}_{key}-{label}_{suffix}" if front else f"{key}-{label}_{suffix}")


def frame_stems(image: Image, stem: Path) -> list[Path]:
    """One file name per frame of `image`, without extension.

    A single frame keeps `stem`. Of several, those with an inversion time become `inv-N_IRT1`, the others `echo-N_MESE`
    (spin echoes) or `echo-N_MEGRE`; a BIDS suffix at the end of `stem` gives way to theirs. Frames that have no times to
    tell them apart become `run-N` of the given suffix.
    """
    count = math.prod(image.values.shape[:-3])
    if not image.axes:
        return [stem]
    front, _, last = stem.name.rpartition("_")
    front, suffix = (front, last) if last in IMAGE_SUFFIXES and front else (stem.name, "T1w")
    if image.echo_time_s is None and image.inversion_time_s is None:
        return [stem.with_name(f"{front}_run-{number + 1}_{suffix}") for number in range(count)]
    inverted = np.isfinite(_times(image.inversion_time_s, count))
    echoes = "MESE" if image.encoding.refocusing_flip_rad > 0 else "MEGRE"
    place = np.where(inverted, np.cumsum(inverted), np.cumsum(~inverted))
    names = zip(place.tolist(), inverted.tolist(), strict=True)
    return [stem.with_name(f"{front}_inv-{n}_IRT1" if inv else f"{front}_echo-{n}_{echoes}") for n, inv in names]


def image_sidecar(image: Image, frame: int, b0_T: float | None = None) -> dict[str, object]:
    """Sidecar of one frame: seconds, degrees, tesla, millimetres as BIDS wants them; what is unknown is left out.

    Array axes are i = read, j = phase, k = slice or partition. `EchoSpacing` is the time between echoes or views;
    BIDS's `EffectiveEchoSpacing` is a measure of EPI distortion and would be false for trains that refocus or re-excite.
    """
    encoding = image.encoding
    count = math.prod(image.values.shape[:-3])
    fields: dict[str, object] = {
        **_machine(b0_T),
        "ProtocolName": encoding.protocol,
        "SeriesDescription": image.name,
        "MRAcquisitionType": "3D" if encoding.geometry.is_3d else "2D",
        "RepetitionTime": _known(encoding.repetition_time_s),
        "EchoTime": _known(_times(image.echo_time_s, count)[frame]),
        "InversionTime": _known(_times(image.inversion_time_s, count)[frame]),
        "FlipAngle": _known(math.degrees(encoding.flip_rad)),
        **_readout(encoding),
        "SliceThickness": encoding.geometry.fov_m[2] * 1e3 / encoding.geometry.matrix[2],
        "Units": "arbitrary",
        "SkullStripped": False,
        "Reconstruction": image.report,
    }
    return {name: value for name, value in fields.items() if value not in (None, "", {})}


def map_sidecar(maps: ParameterMaps, name: str, unit: str, what: str) -> dict[str, object]:
    """Sidecar of one parameter map."""
    description = f"{name}: {what}, from the model {maps.model}"
    return {**_machine(None), "Description": description, "Units": unit, "EstimationAlgorithm": maps.model, "Fit": maps.report}


def to_json(fields: Mapping[str, object]) -> str:
    """The fields as JSON; arrays become lists, NaN and infinity null, and unknown things their text."""
    return json.dumps(_plain(fields), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _machine(b0_T: float | None) -> dict[str, object]:
    known: dict[str, object] = {"Modality": "MR", "Manufacturer": "Fullbore"}
    if b0_T is not None:
        known |= {"MagneticFieldStrength": b0_T, "ImagingFrequency": b0_T * GYROMAGNETIC_RATIO_HZ_PER_T * 1e-6}
    return known


def _readout(encoding: Encoding) -> dict[str, object]:
    geometry = encoding.geometry
    bandwidth = 1 / (encoding.dwell_s * geometry.encoded_matrix[0]) if encoding.dwell_s > 0 else None
    return {
        "RefocusingFlipAngle": _known(math.degrees(encoding.refocusing_flip_rad)),
        "EchoTrainLength": encoding.echo_train_length,
        "EchoSpacing": _known(encoding.echo_spacing_s),
        "DwellTime": _known(encoding.dwell_s),
        "PixelBandwidth": bandwidth,
        "PhaseEncodingDirection": "j",
        "AcquisitionMatrixPE": geometry.encoded_matrix[1],
        "ReconMatrixPE": geometry.matrix[1],
        "ParallelReductionFactorInPlane": float(encoding.acceleration[0]),
        "ParallelReductionFactorOutOfPlane": float(encoding.acceleration[1]) if geometry.is_3d else None,
    }


def _times(times_s: np.ndarray | None, count: int) -> np.ndarray:
    return np.full(count, np.nan) if times_s is None else np.broadcast_to(np.ravel(times_s), (count,))


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) and value > 0 else None


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
