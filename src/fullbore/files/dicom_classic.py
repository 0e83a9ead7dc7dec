"""Images as classic MR Image objects, for viewers that know no enhanced ones."""

from __future__ import annotations

import math
from pathlib import Path

from pydicom.dataset import FileDataset
from pydicom.uid import MRImageStorage

from fullbore.data import Series, Study
from fullbore.files import dicom_acquisition as acquisition
from fullbore.files.dicom_attributes import decimal, fill, new_object, save
from fullbore.files.dicom_geometry import thickness_mm
from fullbore.files.dicom_image import Volume, fill_pixels, frame_type, volumes


def write_classic(study: Study, series: Series, folder: Path) -> list[Path]:
    """One MR Image per slice and frame, all in one series; returns their paths."""
    paths = []
    for volume in volumes(study, series):
        slices = volume.where.grid.shape[0]
        for index in range(slices):
            instance = volume.frame * slices + index + 1
            dataset = new_object(study, MRImageStorage, series.number, series.description, instance)
            _fill_acquisition(dataset, volume)
            _fill_plane(dataset, volume, index)
            fill_pixels(dataset, volume.pixels[index])
            paths.append(save(dataset, folder / f"{instance:05d}.dcm"))
    return paths


def _fill_acquisition(dataset: FileDataset, volume: Volume) -> None:
    """Module MR Image."""
    series, encoding = volume.series, volume.series.image.encoding
    values = acquisition.values_of(series.verdict)
    inverted, spin = math.isfinite(volume.inversion_ms), acquisition.is_spin_echo(encoding)
    lines, _ = acquisition.acquired_steps(encoding)
    along_rows = acquisition.phase_direction(encoding, volume.where) == "ROW"
    several = volume.frames > 1
    fill(
        dataset,
        ImageType=frame_type(series, "OTHER"),
        AcquisitionDate=dataset.StudyDate,
        AcquisitionTime=dataset.StudyTime,
        AcquisitionNumber=volume.frame + 1,
        ScanningSequence=["SE" if spin else "GR", *(["IR"] if inverted else [])],
        SequenceVariant=["SK" if spin and encoding.echo_train_length > 1 else "SP", *(["MP"] if inverted else [])],
        ScanOptions="",
        MRAcquisitionType="3D" if encoding.geometry.is_3d else "2D",
        ProtocolName=(encoding.protocol or series.description)[:64],
        RepetitionTime=decimal(encoding.repetition_time_s * acquisition.MS),
        EchoTime=decimal(volume.echo_ms),
        InversionTime=decimal(volume.inversion_ms) if inverted else None,
        FlipAngle=decimal(encoding.flip_rad * acquisition.DEG),
        EchoTrainLength=sum(acquisition.echo_trains(encoding)),
        EchoNumbers=volume.frame + 1,
        NumberOfAverages=decimal(1.0),
        ImagingFrequency=decimal(acquisition.transmit_frequency_MHz(volume.study.b0_T)),
        ImagedNucleus="1H",
        MagneticFieldStrength=decimal(volume.study.b0_T),
        PixelBandwidth=decimal(acquisition.pixel_bandwidth_Hz(encoding)),
        InPlanePhaseEncodingDirection="ROW" if along_rows else "COL",
        AcquisitionMatrix=[encoding.samples, 0, 0, lines] if along_rows else [0, encoding.samples, lines, 0],
        SAR=decimal(values["SAR head, 6 min"]) if "SAR head, 6 min" in values else None,
        TemporalPositionIdentifier=volume.frame + 1 if several else None,
        NumberOfTemporalPositions=volume.frames if several else None,
    )


def _fill_plane(dataset: FileDataset, volume: Volume, index: int) -> None:
    """Modules Image Plane, VOI LUT and Modality LUT of one slice."""
    where, (centre, width) = volume.where, volume.window
    fill(
        dataset,
        SliceThickness=decimal(thickness_mm(where, volume.series.image.encoding)),
        SpacingBetweenSlices=decimal(where.slice_spacing_mm),
        ImageOrientationPatient=where.orientation,
        ImagePositionPatient=where.position(index),
        PixelSpacing=where.pixel_spacing,
        SliceLocation=decimal(where.slice_location_mm(index)),
        RescaleIntercept=decimal(0.0),
        RescaleSlope=decimal(volume.slope),
        RescaleType="US",
        WindowCenter=decimal(centre),
        WindowWidth=decimal(width),
        VOILUTFunction="LINEAR_EXACT",
    )
