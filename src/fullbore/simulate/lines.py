"""A phantom's tissues as lines of one frequency each: what a spin is, where a tissue says only what it is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from fullbore.data import Tissue


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A part of a tissue with one chemical shift. owner: the tissue's number; share: of its signal; tissue: without species."""

    owner: int
    share: float
    tissue: Tissue


def unfold(tissues: tuple[Tissue, ...]) -> tuple[Line, ...]:
    """The lines of all tissues, tissue after tissue; a tissue without species is one line. Fractions stay the tissues'."""
    return tuple(line for owner, tissue in enumerate(tissues) for line in _lines(owner, tissue))


def _lines(owner: int, tissue: Tissue) -> list[Line]:
    if not tissue.species:
        return [Line(owner=owner, share=1.0, tissue=tissue)]
    total = sum(species.fraction for species in tissue.species)
    return [
        Line(
            owner=owner,
            share=species.fraction / total,
            tissue=replace(tissue, chemical_shift_ppm=tissue.chemical_shift_ppm + species.shift_ppm, species=()),
        )
        for species in tissue.species
        if species.fraction
    ]


def of_lines(per_tissue: Float[np.ndarray, "tissue ..."], lines: tuple[Line, ...]) -> Float[np.ndarray, "line ..."]:
    """How much each line holds of what its tissue holds.

    Squares of a sum of lines are at most these sums of squares (Jensen), which is what masses are for.
    """
    if len(lines) == len(per_tissue):
        return per_tissue
    return np.stack([line.share * per_tissue[line.owner] for line in lines])


def of_tissues(per_line: np.ndarray, lines: tuple[Line, ...], tissues: int) -> np.ndarray:
    """What each tissue answers: the sum of its lines, (line, ...) to (tissue, ...)."""
    if len(lines) == tissues:
        return per_line
    result = np.zeros((tissues, *per_line.shape[1:]), per_line.dtype)
    for line, own in zip(lines, per_line, strict=True):
        result[line.owner] += own * own.real.dtype.type(line.share)
    return result
