"""What enhanced and classic objects of an image share: the volumes of a series, their pixels, and references to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, MRImageStorage

from fullbore.data import Image, Series, Study
from fullbore.errors import ValueRangeError
from fullbore.files.dicom_acquisition import frame_times_ms
from fullbore.files.dicom_attributes import decimal, fill, instance_uid, item
from fullbore.files.dicom_geometry import Planes, planes

# Stored values use 15 of 16 bits, so that viewers that read them as signed see the same picture.
_FULL_SCALE = 32767


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Volume:
    """One frame of a series' image, ready to be stored: value = slope * pixel.

    frame, frames: which of how many, from 0. pixels: uint16 (z, y, x) in display order, on `where`.
    echo_ms; inversion_ms: NaN without inversion. window: centre and width, the same for all frames.
    """

    study: Study
    series: Series
    where: Planes
    frame: int
    frames: int
    pixels: np.ndarray
    slope: float
    window: tuple[float, float]
    echo_ms: float
    inversion_ms: float


def volumes(study: Study, series: Series) -> Iterator[Volume]:
    """The frames of a series' image: magnitude, turned for display, scaled together to 15 bits.

    Errors: ValueRangeError for NaN or infinity in the image.
    """
    image, where = series.image, planes(series.image.grid)
    magnitude = _magnitude(image)
    slope = float(decimal(float(magnitude.max()) / _FULL_SCALE)) or 1.0
    high = max(float(np.percentile(magnitude, 99.5)), slope)
    echo, inversion = frame_times_ms(image)
    for frame, values in enumerate(magnitude):
        pixels = np.rint(where.turn(values).astype(np.float64) / slope)
        yield Volume(
            study=study,
            series=series,
            where=where,
            frame=frame,
            frames=len(magnitude),
            pixels=np.clip(pixels, 0, 65535).astype("<u2"),
            slope=slope,
            window=(high / 2, high),
            echo_ms=float(echo[frame]),
            inversion_ms=float(inversion[frame]),
        )


def _magnitude(image: Image) -> np.ndarray:
    """Absolute value, (frame, z, y, x)."""
    magnitude = np.abs(np.asarray(image.values)).reshape(-1, *image.grid.shape)
    if not np.isfinite(magnitude).all():
        raise ValueRangeError(f"DICOM, series {image.name}: the image holds NaN or infinity; wanted finite values.")
    return magnitude


def fill_pixels(dataset: Dataset, pixels: np.ndarray) -> None:
    """The Image Pixel module of uint16 pixels (..., rows, columns)."""
    fill(
        dataset,
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=pixels.shape[-2],
        Columns=pixels.shape[-1],
        BitsAllocated=16,
        BitsStored=16,
        HighBit=15,
        PixelRepresentation=0,
        PixelData=pixels.tobytes(),
    )


def frame_type(series: Series, flavour: str) -> list[str]:
    """ImageType and FrameType. Without a verdict the scan's SAR is not known, and the image counts as derived."""
    return ["ORIGINAL" if series.verdict else "DERIVED", "PRIMARY", flavour]


def references(study: Study, series: Series, *, classic: bool) -> list[Dataset]:
    """References to the instances that `write_enhanced` (or `write_classic`) makes of a series."""
    count = int(np.prod(series.image.values.shape[: -2 if classic else -3]))
    sop_class = MRImageStorage if classic else EnhancedMRImageStorage
    return [
        item(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=instance_uid(study, sop_class, series.number, i + 1))
        for i in range(count)
    ]
