"""Quantitative maps as DICOM Parametric Maps: float32 in coded units, with their standard deviations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import ParametricMapStorage

from fullbore.data import Encoding, ParameterMap, Series, Study
from fullbore.files.dicom_attributes import ANATOMY, PRIVATE_CODES, code, date_time, decimal, fill, item, new_object, save, uid
from fullbore.files.dicom_enhanced import dimension_organisation
from fullbore.files.dicom_geometry import Planes, pixel_measures, planes, thickness_mm

_MS = ("ms", "UCUM", "millisecond")
_NO_UNIT = ("1", "UCUM", "no units")
_SOURCE = ("121322", "DCM", "Source image for image processing operation")
_FIT = ("113241", "DCM", "Model fitting method")
_DERIVATION = ("121401", "DCM", "Derivation")
_STANDARD_DEVIATION = ("386136009", "SCT", "Standard Deviation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What a map means: coded quantity, coded unit, and the factor from SI to that unit."""

    concept: tuple[str, str, str]
    unit: tuple[str, str, str]
    factor: float = 1.0


# Private codes 99FULLBORE, for which DICOM has none. B1: the transmit field relative to nominal (1 = nominal flip). M0: the
# signal of fully relaxed magnetisation at no delay, in the arbitrary units of the image.
QUANTITIES = {
    "T1": Quantity(concept=("113063", "DCM", "T1"), unit=_MS, factor=1e3),
    "T2": Quantity(concept=("113065", "DCM", "T2"), unit=_MS, factor=1e3),
    "T2star": Quantity(concept=("113064", "DCM", "T2*"), unit=_MS, factor=1e3),
    "B1": Quantity(concept=("B1", PRIVATE_CODES, "Transmit field relative to nominal"), unit=_NO_UNIT),
    "M0": Quantity(concept=("M0", PRIVATE_CODES, "Signal of equilibrium magnetisation"), unit=_NO_UNIT),
    "PD": Quantity(concept=("113058", "DCM", "Proton Density"), unit=_NO_UNIT),
}


# (series number, description, map, is it the standard deviation)
MapSeries = tuple[int, str, ParameterMap, bool]


def quantity_of(item_map: ParameterMap) -> Quantity:
    """The coded meaning of a map; a name that the table does not know gets a private code and keeps its unit."""
    if item_map.name in QUANTITIES:
        return QUANTITIES[item_map.name]
    name = "".join(letter for letter in item_map.name.upper() if letter.isalnum())[:16] or "MAP"
    unit = (item_map.unit or "1")[:16]
    return Quantity(concept=(name, PRIVATE_CODES, item_map.name[:64]), unit=(unit, "UCUM", unit))


def map_series(series: Series) -> list[MapSeries]:
    """Every Parametric Map of a series, value and standard deviation.

    Numbers follow the image's: series 4 gives 401, 402, ...
    """
    if series.maps is None:
        return []
    kinds = [(item_map, deviation) for item_map in series.maps.maps for deviation in (False, True)]
    return [
        (series.number * 100 + i + 1, f"{series.description} {item_map.name}{' std' if deviation else ''}", item_map, deviation)
        for i, (item_map, deviation) in enumerate(kinds)
    ]


def write_map(study: Study, series: Series, entry: MapSeries, sources: Sequence[Dataset], path: Path) -> Path:
    """One Parametric Map object: the value or the standard deviation of one map; returns its path.

    sources: references to the instances of the image that the map was made from.
    """
    number, description, item_map, deviation = entry
    assert series.maps is not None
    where, quantity = planes(series.maps.grid), quantity_of(item_map)
    values = np.asarray(item_map.std if deviation else item_map.value, dtype=np.float32) * np.float32(quantity.factor)
    padding, pixels = _padded(where.turn(values))
    dataset = new_object(study, ParametricMapStorage, number, description, 1)
    _fill_map_image(dataset, study, series, description, item_map, sources)
    dataset.NumberOfFrames = where.grid.shape[0]
    dimension_organisation(
        dataset,
        uid(study, "dimensions", number),
        ["StackID", "InStackPositionNumber"],
    )
    shown = pixels[pixels != padding]
    span = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
    mapping = _real_world_mapping(item_map, quantity, deviation, span)
    dataset.SharedFunctionalGroupsSequence = [
        _shared_groups(study, series, where, series.image.encoding, mapping, _window(shown), sources)
    ]
    dataset.PerFrameFunctionalGroupsSequence = [_frame_groups(study, where, index) for index in range(where.grid.shape[0])]
    fill(
        dataset,
        Rows=pixels.shape[-2],
        Columns=pixels.shape[-1],
        FloatPixelPaddingValue=float(padding),
        FloatPixelPaddingRangeLimit=float(padding),
    )
    dataset.FloatPixelData = pixels.astype("<f4").tobytes()
    return save(dataset, path)


def _padded(values: np.ndarray) -> tuple[float, np.ndarray]:
    """Replace NaN (outside the object) by a padding value that no voxel has: 0, or one below all of a signed map."""
    finite = values[np.isfinite(values)]
    padding = 0.0 if len(finite) == 0 or finite.min() > 0 else float(np.floor(finite.min()) - 1)
    return padding, np.where(np.isfinite(values), values, np.float32(padding)).astype(np.float32)


def _window(shown: np.ndarray) -> tuple[float, float]:
    """Window centre and width over the middle 98 % of the values."""
    if len(shown) == 0:
        return 0.5, 1.0
    low, high = (float(v) for v in np.percentile(shown, [1, 99]))
    return (low + high) / 2, max(high - low, 1e-6)


def _fill_map_image(
    dataset: FileDataset, study: Study, series: Series, description: str, item_map: ParameterMap, sources: Sequence[Dataset]
) -> None:
    """Modules Parametric Map Image, Floating Point Image Pixel, Common Instance Reference."""
    fill(
        dataset,
        ImageType=["DERIVED", "PRIMARY", "VOLUME", "QUANTITY"],
        PixelPresentation="MONOCHROME",
        ContentQualification="RESEARCH",
        ContentLabel=_label(item_map.name),
        ContentDescription=description[:64],
        ContentCreatorName="",
        AcquisitionDateTime=date_time(study),
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        BitsAllocated=32,
        BurnedInAnnotation="NO",
        RecognizableVisualFeatures="NO",
        LossyImageCompression="00",
        PresentationLUTShape="IDENTITY",
        AcquisitionContextSequence=[],
        ReferencedSeriesSequence=item(
            SeriesInstanceUID=uid(study, "series", series.number), ReferencedInstanceSequence=list(sources)
        ),
    )


def _label(name: str) -> str:
    """A DICOM code string: upper-case letters, digits, underscore, at most 16."""
    return "".join(letter if letter.isalnum() else "_" for letter in name.upper())[:16]


def _real_world_mapping(item_map: ParameterMap, quantity: Quantity, deviation: bool, span: tuple[float, float]) -> Dataset:
    """Real World Value Mapping: slope 1, the unit, the quantity, and whether it is a standard deviation."""
    definition = [_coded("246205007", "SCT", "Quantity", quantity.concept)]
    if deviation:
        definition.append(_coded(*_DERIVATION, _STANDARD_DEVIATION))
    name = f"{item_map.name}{' std' if deviation else ''}"
    return item(
        DoubleFloatRealWorldValueFirstValueMapped=span[0],
        DoubleFloatRealWorldValueLastValueMapped=span[1],
        RealWorldValueIntercept=0.0,
        RealWorldValueSlope=1.0,
        LUTExplanation=name[:64],
        LUTLabel=name[:16],
        MeasurementUnitsCodeSequence=code(*quantity.unit),
        QuantityDefinitionSequence=definition,
    )


def _coded(value: str, scheme: str, meaning: str, concept: tuple[str, str, str]) -> Dataset:
    """A CODE content item: name (value, scheme, meaning) and its concept."""
    return item(ValueType="CODE", ConceptNameCodeSequence=code(value, scheme, meaning), ConceptCodeSequence=code(*concept))


def _purposed(source: Dataset) -> Dataset:
    """A reference to a source instance, with what it was used for."""
    return item(
        ReferencedSOPClassUID=source.ReferencedSOPClassUID,
        ReferencedSOPInstanceUID=source.ReferencedSOPInstanceUID,
        PurposeOfReferenceCodeSequence=code(*_SOURCE),
    )


def _shared_groups(
    study: Study,
    series: Series,
    where: Planes,
    encoding: Encoding,
    mapping: Dataset,
    window: tuple[float, float],
    sources: Sequence[Dataset],
) -> Dataset:
    """Functional groups that hold for all frames."""
    purposed = [_purposed(source) for source in sources]
    return item(
        PixelMeasuresSequence=pixel_measures(where, thickness_mm(where, encoding)),
        PlaneOrientationSequence=item(ImageOrientationPatient=where.orientation),
        FrameAnatomySequence=item(FrameLaterality="U", AnatomicRegionSequence=code(*ANATOMY)),
        PixelValueTransformationSequence=item(RescaleIntercept=decimal(0.0), RescaleSlope=decimal(1.0), RescaleType="US"),
        FrameVOILUTSequence=item(WindowCenter=decimal(window[0]), WindowWidth=decimal(window[1]), VOILUTFunction="LINEAR_EXACT"),
        ParametricMapFrameTypeSequence=item(FrameType=["DERIVED", "PRIMARY", "VOLUME", "QUANTITY"]),
        RealWorldValueMappingSequence=mapping,
        DerivationImageSequence=item(DerivationCodeSequence=code(*_FIT), SourceImageSequence=purposed),
    )


def _frame_groups(study: Study, where: Planes, index: int) -> Dataset:
    """Functional groups of one slice."""
    content = item(
        FrameReferenceDateTime=date_time(study), StackID="1", InStackPositionNumber=index + 1, DimensionIndexValues=[1, index + 1]
    )
    return item(FrameContentSequence=content, PlanePositionSequence=item(ImagePositionPatient=where.position(index)))
