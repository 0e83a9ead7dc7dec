"""The exam as a hospital sees it: one subject, one study, its series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from fullbore.data.image import Image
from fullbore.data.parameter_maps import ParameterMaps
from fullbore.data.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Who lies in the scanner."""

    identifier: str
    name: str
    mass_kg: float
    height_m: float
    sex: str = "O"
    birth_date: str = "19800101"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One series of a study: an image, or maps made from one, with the verdict that let it be scanned."""

    number: int
    description: str
    image: Image
    maps: ParameterMaps | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """uid is the DICOM StudyInstanceUID; every identifier of the study is derived from it, so an exam can be repeated."""

    uid: str
    subject: Subject
    description: str
    started: datetime
    b0_T: float
    system: str
    series: tuple[Series, ...] = ()

    def with_series(self, image: Image, maps: ParameterMaps | None = None, verdict: Verdict | None = None) -> Study:
        """A study with one more series."""
        added = Series(number=len(self.series) + 1, description=image.name, image=image, maps=maps, verdict=verdict)
        return replace(self, series=(*self.series, added))
