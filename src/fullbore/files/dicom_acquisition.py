"""How an image was acquired, as DICOM says it: from the Encoding, the Verdict and the machine's field."""

from __future__ import annotations

import math

import numpy as np
from pydicom.dataset import Dataset

from fullbore.data import Encoding, Image, Verdict
from fullbore.files.dicom_attributes import MANUFACTURER, decimal, item
from fullbore.files.dicom_geometry import Planes
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.physics.units import UNITS

MS = 1.0 / UNITS["time"]["ms"]
DEG = 1.0 / UNITS["angle"]["deg"]
_MHZ = 1.0 / UNITS["frequency"]["MHz"]

_OPERATING_MODE = {"normal": "IEC_NORMAL", "first_level": "IEC_FIRST_LEVEL"}
_SAR = {"SAR whole body, 6 min": "IEC_WHOLE_BODY", "SAR head, 6 min": "IEC_HEAD"}


def is_spin_echo(encoding: Encoding) -> bool:
    """True when echoes are refocused by RF."""
    return encoding.refocusing_flip_rad > 0


def frame_times_ms(image: Image) -> tuple[np.ndarray, np.ndarray]:
    """Echo time (0 where unknown) and inversion time (NaN where there is none) of each frame, ms."""
    frames = int(np.prod(image.values.shape[:-3]))
    known = (image.echo_time_s, image.inversion_time_s)
    header = (image.encoding.echo_times_s, image.encoding.inversion_times_s)
    echo, inversion = (
        np.resize(np.asarray(times if times is not None else (listed or (np.nan,)), dtype=np.float64), frames) * MS
        for times, listed in zip(known, header, strict=True)
    )
    return np.nan_to_num(echo, nan=0.0), inversion


def contrast(encoding: Encoding, echo_ms: float, inversion_ms: float) -> str:
    """AcquisitionContrast: what weights the image, judged by its times (inversion_ms NaN without inversion)."""
    inverted = math.isfinite(inversion_ms)
    if not is_spin_echo(encoding):
        return "T2_STAR" if echo_ms > 15 else "T1"
    if echo_ms >= 60:
        return "FLUID_ATTENUATED" if inverted and inversion_ms > 1500 else "T2"
    return "T1" if inverted or encoding.repetition_time_s < 1 else "PROTON_DENSITY"


def duration_s(encoding: Encoding) -> float:
    """How long the acquisition took: the sequence's own figure if it left one, else shots times TR."""
    if "duration_s" in encoding.parameters:
        return float(encoding.parameters["duration_s"])
    together = max(1, len(encoding.geometry.slice_offsets_m)) * max(1, encoding.echo_train_length)
    return float(math.ceil(encoding.rows / together) * encoding.repetition_time_s)


def pixel_bandwidth_Hz(encoding: Encoding) -> float:
    """Receiver bandwidth per reconstructed pixel along the readout."""
    geometry = encoding.geometry
    pixel = geometry.fov_m[0] / geometry.matrix[0]
    return float(pixel / (encoding.dwell_s * geometry.encoded_fov_m[0]))


def transmit_frequency_MHz(b0_T: float) -> float:
    """Proton frequency."""
    return GYROMAGNETIC_RATIO_HZ_PER_T * b0_T * _MHZ


def phase_direction(encoding: Encoding, where: Planes) -> str:
    """InPlanePhaseEncodingDirection of the enhanced objects: ROW, COLUMN or OTHER (across the slices)."""
    along = np.abs(where.directions @ encoding.geometry.phase)
    return ("ROW", "COLUMN", "OTHER")[int(along.argmax())]


def acquired_steps(encoding: Encoding) -> tuple[int, int]:
    """Number of different lines and partitions that were measured."""
    return len(np.unique(encoding.counter("line"))), len(np.unique(encoding.counter("partition")))


def percent_sampling(encoding: Encoding) -> float:
    """Measured (line, partition) pairs in per cent of the full raster."""
    pairs = np.unique(np.column_stack([encoding.counter("line"), encoding.counter("partition")]), axis=0)
    return min(100.0, 100.0 * len(pairs) / (encoding.geometry.encoded_matrix[1] * encoding.geometry.encoded_matrix[2]))


def values_of(verdict: Verdict | None) -> dict[str, float]:
    """Findings by name; empty without a verdict."""
    return {finding.check: finding.value for finding in verdict.findings} if verdict else {}


def echo_trains(encoding: Encoding) -> tuple[int, int]:
    """Echoes per excitation made by RF and by gradients."""
    return (max(1, encoding.echo_train_length), 0) if is_spin_echo(encoding) else (0, 1)


def timing_group(encoding: Encoding, verdict: Verdict) -> Dataset:
    """MR Timing and Related Parameters: TR, flip, echo trains, SAR and nerve stimulation as judged before the scan."""
    rf_echoes, gradient_echoes = echo_trains(encoding)
    values, mode = values_of(verdict), _OPERATING_MODE[verdict.mode]
    sar = [
        item(SpecificAbsorptionRateDefinition=definition, SpecificAbsorptionRateValue=values[check])
        for check, definition in _SAR.items()
        if check in values
    ]
    return item(
        RepetitionTime=decimal(encoding.repetition_time_s * MS),
        FlipAngle=decimal(encoding.flip_rad * DEG),
        EchoTrainLength=rf_echoes + gradient_echoes,
        RFEchoTrainLength=rf_echoes,
        GradientEchoTrainLength=gradient_echoes,
        SpecificAbsorptionRateSequence=sar,
        OperatingModeSequence=[item(OperatingModeType=kind, OperatingMode=mode) for kind in ("RF", "GRADIENT")],
        GradientOutputType="PER_NERVE_STIM",
        GradientOutput=values.get("nerve stimulation", 0.0),
    )


def pulse_sequence(encoding: Encoding, name: str) -> dict[str, object]:
    """Attributes of the MR Pulse Sequence module, which only original images may carry."""
    spin, is_3d, segmented = is_spin_echo(encoding), encoding.geometry.is_3d, encoding.echo_train_length > 1
    return {
        "PulseSequenceName": name[:16],
        "MRAcquisitionType": "3D" if is_3d else "2D",
        "EchoPulseSequence": "SPIN" if spin else "GRADIENT",
        "MultipleSpinEcho": ("YES" if segmented else "NO") if spin else None,
        "MultiPlanarExcitation": "NO",
        "PhaseContrast": "NO",
        "TimeOfFlightContrast": "NO",
        "SteadyStatePulseSequence": "NONE",
        "EchoPlanarPulseSequence": "NO",
        "SaturationRecovery": "NO",
        "SpectrallySelectedSuppression": "NONE",
        "OversamplingPhase": "NONE",
        "GeometryOfKSpaceTraversal": "RECTILINEAR",
        "RectilinearPhaseEncodeReordering": "SEGMENTED" if segmented else "LINEAR",
        "SegmentedKSpaceTraversal": "PARTIAL" if segmented else "SINGLE",
        "CoverageOfKSpace": "FULL" if is_3d else None,
        "NumberOfKSpaceTrajectories": 1,
    }


def modifier_group(encoding: Encoding, inversion_ms: float) -> Dataset:
    """MR Modifier: inversion, spoiling, parallel acquisition. inversion_ms: NaN without inversion."""
    inverted = math.isfinite(inversion_ms)
    in_plane, out_of_plane = encoding.acceleration
    accelerated = in_plane * out_of_plane > 1
    return item(
        InversionRecovery="YES" if inverted else "NO",
        InversionTimes=inversion_ms if inverted else None,
        FlowCompensation="NONE",
        Spoiling="GRADIENT" if is_spin_echo(encoding) else "RF_AND_GRADIENT",
        T2Preparation="NO",
        SpectrallySelectedExcitation="NONE",
        SpatialPresaturation="NONE",
        PartialFourier="NO",
        ParallelAcquisition="YES" if accelerated else "NO",
        ParallelAcquisitionTechnique="SENSE" if accelerated else None,
        ParallelReductionFactorInPlane=float(in_plane) if accelerated else None,
        ParallelReductionFactorOutOfPlane=float(out_of_plane) if accelerated else None,
        ParallelReductionFactorSecondInPlane=1.0 if accelerated else None,
    )


def imaging_modifier_group(encoding: Encoding, b0_T: float) -> Dataset:
    """MR Imaging Modifier: frequencies."""
    return item(
        MagnetizationTransfer="NONE",
        BloodSignalNulling="NO",
        Tagging="NONE",
        TransmitterFrequency=transmit_frequency_MHz(b0_T),
        PixelBandwidth=decimal(pixel_bandwidth_Hz(encoding)),
    )


def receive_coil_group(coils: int) -> Dataset:
    """MR Receive Coil: an array of `coils` elements, or one volume coil when their number is not known (0)."""
    elements = [item(MultiCoilElementName=f"E{i + 1}", MultiCoilElementUsed="YES") for i in range(coils)]
    return item(
        ReceiveCoilName="HEAD",
        ReceiveCoilManufacturerName=MANUFACTURER,
        ReceiveCoilType="MULTICOIL" if elements else "VOLUME",
        QuadratureReceiveCoil="NO" if elements else "YES",
        MultiCoilDefinitionSequence=elements or None,
    )


def field_of_view_group(encoding: Encoding, where: Planes) -> Dataset:
    """MR FOV/Geometry: encoding steps and direction."""
    geometry = encoding.geometry
    lines, partitions = acquired_steps(encoding)
    return item(
        InPlanePhaseEncodingDirection=phase_direction(encoding, where),
        MRAcquisitionFrequencyEncodingSteps=encoding.samples,
        MRAcquisitionPhaseEncodingStepsInPlane=lines,
        MRAcquisitionPhaseEncodingStepsOutOfPlane=partitions if geometry.is_3d else None,
        PercentSampling=decimal(percent_sampling(encoding)),
        PercentPhaseFieldOfView=decimal(100.0 * geometry.fov_m[1] / geometry.fov_m[0]),
    )
