"""DICOM plumbing: strict datasets, codes, decimal strings, identifiers, and the modules that every object of a study shares."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom.config
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import RE_VALID_UID, UID, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import DSfloat

import fullbore
from fullbore.data import Study
from fullbore.errors import OutputError, ValueRangeError
from fullbore.files.atomic import atomic_path

MANUFACTURER = "Fullbore"
PRIVATE_CODES = "99FULLBORE"

# Everything this machine images so far is a head.
ANATOMY = ("69536005", "SCT", "Head")
BODY_PART = "HEAD"


@contextmanager
def strict_pydicom() -> Iterator[None]:
    """Within the block a misspelt keyword or a value that the standard forbids raises instead of warning."""
    settings, keywords = pydicom.config.settings, pydicom.config.INVALID_KEYWORD_BEHAVIOR
    mode = settings.writing_validation_mode
    settings.writing_validation_mode = pydicom.config.RAISE
    pydicom.config.INVALID_KEYWORD_BEHAVIOR = "RAISE"
    try:
        yield
    finally:
        settings.writing_validation_mode = mode
        pydicom.config.INVALID_KEYWORD_BEHAVIOR = keywords


def item(**attributes: object) -> Dataset:
    """A dataset with these attributes."""
    dataset = Dataset()
    fill(dataset, **attributes)
    return dataset


def fill(dataset: Dataset, **attributes: object) -> None:
    """Set attributes by keyword; None is skipped, a dataset becomes a sequence of one item."""
    for keyword, value in attributes.items():
        if value is not None:
            setattr(dataset, keyword, [value] if isinstance(value, Dataset) else value)


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """One coded entry."""
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def decimal(value: float) -> DSfloat:
    """A decimal string of at most 16 characters, as close to the value as they allow."""
    if not math.isfinite(value):
        raise ValueRangeError(f"DICOM decimal string: got {value}, wanted a finite number.")
    value = float(value) + 0.0
    texts = [repr(value), *(f"{value:.{digits}g}" for digits in range(15, 0, -1))]
    return DSfloat(next(text for text in texts if len(text) <= 16))


def decimals(values: np.ndarray) -> list[DSfloat]:
    """Decimal strings of a vector."""
    return [decimal(float(value)) for value in values]


def uid(study: Study, *words: object) -> UID:
    """An identifier that depends on the study's and on these words only, so that the same study gives the same files."""
    return generate_uid(entropy_srcs=[study.uid, *(str(word) for word in words)])


def instance_uid(study: Study, sop_class: str, series_number: int, instance: int) -> UID:
    """The identifier of one object."""
    return uid(study, "instance", sop_class, series_number, instance)


def _is_uid(text: str) -> bool:
    """True for a well-formed DICOM identifier."""
    return len(text) <= 64 and re.fullmatch(RE_VALID_UID, text) is not None


def new_object(study: Study, sop_class: str, series_number: int, description: str, instance: int) -> FileDataset:
    """A dataset with the modules patient, study, series, frame of reference, equipment and SOP common filled in.

    Errors: ValueRangeError when study.uid is no valid DICOM identifier.
    """
    if not _is_uid(study.uid):
        raise ValueRangeError(f"study: {study.uid!r} is no DICOM identifier; wanted up to 64 digits and dots.")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = instance_uid(study, sop_class, series_number, instance)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    fill(dataset, SpecificCharacterSet="ISO_IR 192", SOPClassUID=sop_class, SOPInstanceUID=meta.MediaStorageSOPInstanceUID)
    _fill_patient_and_study(dataset, study)
    fill(
        dataset,
        Modality="MR",
        SeriesInstanceUID=uid(study, "series", series_number),
        SeriesNumber=series_number,
        SeriesDescription=description[:64],
        InstanceNumber=instance,
        BodyPartExamined=BODY_PART,
        PatientPosition="HFS",
        FrameOfReferenceUID=uid(study, "frame of reference"),
        PositionReferenceIndicator="",
        Manufacturer=MANUFACTURER,
        ManufacturerModelName=study.system[:64] or MANUFACTURER,
        DeviceSerialNumber="virtual",
        SoftwareVersions=fullbore.__version__,
    )
    return dataset


def _fill_patient_and_study(dataset: Dataset, study: Study) -> None:
    """Modules patient, general study and patient study; all dates are the study's start."""
    subject, day, time = study.subject, study.started.strftime("%Y%m%d"), study.started.strftime("%H%M%S")
    fill(
        dataset,
        PatientName=subject.name,
        PatientID=subject.identifier,
        PatientBirthDate=subject.birth_date,
        PatientSex=subject.sex,
        PatientWeight=decimal(subject.mass_kg),
        PatientSize=decimal(subject.height_m),
        StudyInstanceUID=study.uid,
        StudyID="1",
        StudyDescription=study.description[:64],
        AccessionNumber="",
        ReferringPhysicianName="",
        StudyDate=day,
        SeriesDate=day,
        ContentDate=day,
        StudyTime=time,
        SeriesTime=time,
        ContentTime=time,
    )


def date_time(study: Study) -> str:
    """The study's start as DICOM DT."""
    return study.started.strftime("%Y%m%d%H%M%S")


def save(dataset: FileDataset, path: Path) -> Path:
    """Write one object, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: the folder cannot be made ({error.strerror}). Give a writable one.") from error
    with atomic_path(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
    return path
