"""Images as Enhanced MR: one multi-frame object, holding all slices, per echo or inversion time."""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import Tag
from pydicom.uid import EnhancedMRImageStorage

from fullbore.data import Series, Study
from fullbore.files import dicom_acquisition as acquisition
from fullbore.files.dicom_attributes import ANATOMY, MANUFACTURER, code, date_time, decimal, fill, item, new_object, save, uid
from fullbore.files.dicom_geometry import pixel_measures, thickness_mm
from fullbore.files.dicom_image import Volume, fill_pixels, frame_type, volumes


def write_enhanced(study: Study, series: Series, folder: Path) -> list[Path]:
    """One Enhanced MR object per frame of the image, all in one series, in the order of its frames; returns their paths.

    The frames share their scale. They are kept in objects of their own because readers in wide use (dcm2niix before 2023)
    take several times of one slice in one object for several slices.
    """
    return [save(_object(volume), folder / f"{volume.frame + 1:05d}.dcm") for volume in volumes(study, series)]


def _object(volume: Volume) -> FileDataset:
    """One Enhanced MR object."""
    study, series = volume.study, volume.series
    dataset = new_object(study, EnhancedMRImageStorage, series.number, series.description, volume.frame + 1)
    _fill_enhanced_image(dataset, volume)
    slices = volume.where.grid.shape[0]
    dataset.NumberOfFrames = slices
    dimension_organisation(
        dataset, uid(study, "dimensions", series.number), ["StackID", "TemporalPositionIndex", "InStackPositionNumber"]
    )
    dataset.SharedFunctionalGroupsSequence = [_shared_groups(volume)]
    dataset.PerFrameFunctionalGroupsSequence = [_frame_groups(volume, index) for index in range(slices)]
    fill_pixels(dataset, volume.pixels)
    return dataset


def dimension_organisation(dataset: Dataset, organisation: str, attributes: list[str]) -> None:
    """Multi-frame Dimension module: keywords of the Frame Content group's attributes that sort the frames, slowest first."""
    dataset.DimensionOrganizationSequence = [item(DimensionOrganizationUID=organisation)]
    dataset.DimensionIndexSequence = [
        item(
            DimensionOrganizationUID=organisation,
            DimensionIndexPointer=Tag(attribute),
            FunctionalGroupPointer=Tag("FrameContentSequence"),
            DimensionDescriptionLabel=attribute,
        )
        for attribute in attributes
    ]


def _description(volume: Volume) -> dict[str, object]:
    """The attributes that the enhanced image and its MR Image Frame Type group share."""
    return {
        "PixelPresentation": "MONOCHROME",
        "VolumetricProperties": "VOLUME",
        "VolumeBasedCalculationTechnique": "NONE",
        "ComplexImageComponent": "MAGNITUDE",
        "AcquisitionContrast": acquisition.contrast(volume.series.image.encoding, volume.echo_ms, volume.inversion_ms),
    }


def _fill_enhanced_image(dataset: FileDataset, volume: Volume) -> None:
    """Modules Enhanced MR Image and MR Pulse Sequence."""
    series, encoding = volume.series, volume.series.image.encoding
    protocol = encoding.protocol or series.description
    fill(
        dataset,
        ImageType=[*frame_type(series, "VOLUME"), "NONE"],
        **_description(volume),
        AcquisitionDateTime=date_time(volume.study),
        AcquisitionNumber=volume.frame + 1,
        AcquisitionDuration=acquisition.duration_s(encoding),
        ContentQualification="RESEARCH",
        ResonantNucleus="1H",
        KSpaceFiltering="NONE",
        MagneticFieldStrength=volume.study.b0_T,
        ApplicableSafetyStandardAgency="IEC",
        ProtocolName=protocol[:64],
        **(acquisition.pulse_sequence(encoding, protocol) if series.verdict else {}),
        BurnedInAnnotation="NO",
        LossyImageCompression="00",
        PresentationLUTShape="IDENTITY",
        AcquisitionContextSequence=[],
    )


def _shared_groups(volume: Volume) -> Dataset:
    """Functional groups that hold for all slices."""
    series, where, encoding = volume.series, volume.where, volume.series.image.encoding
    coils = 0 if series.image.sensitivities is None else len(series.image.sensitivities)
    centre, width = (decimal(value) for value in volume.window)
    return item(
        PixelMeasuresSequence=pixel_measures(where, thickness_mm(where, encoding)),
        PlaneOrientationSequence=item(ImageOrientationPatient=where.orientation),
        FrameAnatomySequence=item(FrameLaterality="U", AnatomicRegionSequence=code(*ANATOMY)),
        PixelValueTransformationSequence=item(
            RescaleIntercept=decimal(0.0), RescaleSlope=decimal(volume.slope), RescaleType="US"
        ),
        FrameVOILUTSequence=item(WindowCenter=centre, WindowWidth=width, VOILUTFunction="LINEAR_EXACT"),
        MRImageFrameTypeSequence=item(FrameType=[*frame_type(series, "VOLUME"), "NONE"], **_description(volume)),
        MRTimingAndRelatedParametersSequence=acquisition.timing_group(encoding, series.verdict) if series.verdict else None,
        MREchoSequence=item(EffectiveEchoTime=volume.echo_ms),
        MRModifierSequence=acquisition.modifier_group(encoding, volume.inversion_ms),
        MRImagingModifierSequence=acquisition.imaging_modifier_group(encoding, volume.study.b0_T),
        MRReceiveCoilSequence=acquisition.receive_coil_group(coils),
        MRTransmitCoilSequence=item(TransmitCoilName="BODY", TransmitCoilManufacturerName=MANUFACTURER, TransmitCoilType="BODY"),
        MRAveragesSequence=item(NumberOfAverages=decimal(1.0)),
        MRFOVGeometrySequence=acquisition.field_of_view_group(encoding, where),
    )


def _frame_groups(volume: Volume, index: int) -> Dataset:
    """Functional groups of one slice."""
    content = item(
        FrameAcquisitionNumber=volume.frame + 1,
        FrameReferenceDateTime=date_time(volume.study),
        FrameAcquisitionDateTime=date_time(volume.study),
        FrameAcquisitionDuration=acquisition.duration_s(volume.series.image.encoding) * acquisition.MS,
        StackID="1",
        InStackPositionNumber=index + 1,
        TemporalPositionIndex=volume.frame + 1,
        DimensionIndexValues=[1, volume.frame + 1, index + 1],
    )
    return item(FrameContentSequence=content, PlanePositionSequence=item(ImagePositionPatient=volume.where.position(index)))
