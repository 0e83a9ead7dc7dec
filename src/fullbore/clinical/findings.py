"""Figures read off the images and maps of an exam, each beside its truth where the truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from fullbore.clinical.truth import Truth, brain_error, expected_image, expected_level, principal_frame
from fullbore.data import FitStatus, Image, ParameterMaps, Tissue

TISSUES = ("white matter", "grey matter", "csf")
RELAXATION = {"T1": "t1_s", "T2": "t2_s"}
FEWEST_VOXELS = 5
BRAIN_SHARE = 0.98
"""A voxel counts as brain when its tissues and fluid fill so much of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFigure:
    """One quantity over the pure voxels of one tissue: median, spread (half the 16-84 % range) and median stated std."""

    quantity: str
    tissue: str
    unit: str
    voxels: int
    median: float
    spread: float
    stated_std: float
    truth: float

    @property
    def error_percent(self) -> float:
        """Deviation of the median from the truth."""
        return 100.0 * (self.median / self.truth - 1.0)

    def as_dict(self) -> dict[str, object]:
        """For exam.json."""
        return {**asdict(self), "error_percent": self.error_percent}


def map_figures(maps: ParameterMaps, truth: Truth) -> Iterator[RegionFigure]:
    """T1 and T2 of each brain tissue against the phantom's values, over voxels that the tissue fills."""
    tissues = {tissue.name: tissue for tissue in truth.tissues}
    for quantity, attribute in RELAXATION.items():
        if quantity not in [item.name for item in maps.maps]:
            continue
        found = maps[quantity]
        for name in TISSUES:
            inside = truth.pure(name) & (maps.status != FitStatus.BACKGROUND) & np.isfinite(found.value)
            if inside.sum() < FEWEST_VOXELS:
                continue
            low, middle, high = np.percentile(found.value[inside], [16, 50, 84])
            yield RegionFigure(
                quantity=quantity,
                tissue=name,
                unit=found.unit,
                voxels=int(inside.sum()),
                median=float(middle),
                spread=float(high - low) / 2,
                stated_std=float(np.median(found.std[inside])),
                truth=float(getattr(tissues[name], attribute)),
            )


def image_figures(image: Image, truth: Truth) -> dict[str, float]:
    """Error against the expected image, contrasts with receive shading divided out beside the expected ones, SNR."""
    brain = truth.share(TISSUES) >= BRAIN_SHARE
    figures: dict[str, float] = {}
    if brain.any():
        figures["error_in_brain"] = brain_error(image, expected_image(truth, image.encoding), brain)
    magnitude = principal_frame(image)
    level, wanted = _tissue_levels(magnitude / np.maximum(truth.shading, 1e-6), truth, image)
    white, grey, fluid = TISSUES
    for name, (above, below) in {"white_to_grey": (white, grey), "csf_to_white": (fluid, white)}.items():
        if above in level and below in level:
            figures[name] = level[above] / level[below]
            figures[f"{name}_expected"] = wanted[above] / wanted[below]
            nominal = [expected_level(tissue, image.encoding) for tissue in (_named(truth, above), _named(truth, below))]
            figures[f"{name}_nominal"] = nominal[0] / nominal[1]
    if white in level and image.noise_std is not None:
        inside = truth.pure(white)
        figures["white_matter_snr"] = float(np.median(magnitude[inside] / image.noise_std[inside]))
    return figures


def _named(truth: Truth, name: str) -> Tissue:
    return next(tissue for tissue in truth.tissues if tissue.name == name)


def _tissue_levels(magnitude: np.ndarray, truth: Truth, image: Image) -> tuple[dict[str, float], dict[str, float]]:
    """Median over the pure voxels of each brain tissue, and what the signal equation gives at their true flips."""
    tissues = {tissue.name: tissue for tissue in truth.tissues}
    level, wanted = {}, {}
    for name in TISSUES:
        inside = truth.pure(name)
        if inside.sum() >= FEWEST_VOXELS:
            level[name] = float(np.median(magnitude[inside]))
            wanted[name] = expected_level(tissues[name], image.encoding, float(np.median(truth.flip_scale[inside])))
    return level, wanted
