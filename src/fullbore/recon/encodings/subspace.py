"""Frames as combinations of few time courses: the encoding of the courses' coefficient images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor

from fullbore.errors import UsageError
from fullbore.recon.encodings.volume import EncodedVolume
from fullbore.recon.recipe import Subspace


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SubspaceVolume(EncodedVolume):
    """Another volume's data, explained by images (course, part, x, z, y). basis: orthonormal columns. Source: Tamir 2017."""

    inner: EncodedVolume
    basis: Complex[Tensor, "frame course"]

    @property
    def maps(self) -> Complex[Tensor, "part x channel z y"]:  # type: ignore[override]
        """Of the inner volume."""
        return self.inner.maps

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """(course, part, x, z, y)."""
        return (int(self.basis.shape[1]), *self.inner.shape[1:])

    def expand(self, coefficients: Complex[Tensor, "course part x z y"]) -> Complex[Tensor, "frame part x z y"]:
        """The frames."""
        return torch.tensordot(self.basis, coefficients, 1)

    def adjoint(self) -> Complex[Tensor, "course part x z y"]:
        """A^H y."""
        return torch.tensordot(self.basis.mH, self.inner.adjoint(), 1)

    def normal(self, image: Complex[Tensor, "course part x z y"]) -> Complex[Tensor, "course part x z y"]:
        """A^H A image."""
        return torch.tensordot(self.basis.mH, self.inner.normal(self.expand(image)), 1)

    def only(self, frame: int) -> EncodedVolume:
        """Not possible: every frame takes part in every coefficient. Errors: UsageError."""
        raise UsageError(f"SubspaceVolume: got frame {frame} alone, wanted all: its frames share their coefficients.")

    @property
    def joins_frames(self) -> bool:
        """True."""
        return True

    @property
    def eigenvalue(self) -> float:
        """At most that of the frames, since the courses are orthonormal."""
        return self.inner.eigenvalue

    @property
    def independent_axes(self) -> tuple[int, ...]:
        """Those of the inner volume but the courses."""
        return tuple(axis for axis in self.inner.independent_axes if axis != 0)

    def matched_variance(self) -> Float[Tensor, "x z y"]:
        """Of the first frame, whose noise the subspace lowers to its share in it."""
        share = self.basis[0].abs().square().sum()
        return self.inner.matched_variance() * share

    @property
    def acceleration(self) -> float:
        """Of the first frame."""
        return self.inner.acceleration

    @property
    def has_gaps(self) -> bool:
        """Of the first frame."""
        return self.inner.has_gaps


def courses(choice: Subspace, times_s: Float[np.ndarray, " frame"]) -> Complex[Tensor, "frame course"]:
    """Orthonormal time courses over the frames: the given ones, or principal components of exponential decays.

    Errors: UsageError when there are fewer frames than courses, when the given ones have another number of frames, or when
    all frames have one time, over which nothing decays.
    """
    frames = len(times_s)
    if choice.courses:
        dictionary = np.asarray(choice.courses, np.float64)
    else:
        constants = np.geomspace(choice.shortest_s, choice.longest_s, 256)
        dictionary = np.exp(-times_s[:, None] / constants)
        if np.ptp(times_s) == 0:
            raise UsageError("recipe, subspace: all frames have the same echo time. Give the courses themselves.")
    if len(dictionary) != frames or choice.size > min(dictionary.shape):
        raise UsageError(
            f"recipe, subspace: got {dictionary.shape[1]} courses over {len(dictionary)} frames, wanted at least {choice.size} "
            f"over the {frames} frames of the data."
        )
    left = np.linalg.svd(dictionary, full_matrices=False)[0][:, : choice.size]
    return torch.from_numpy(left.astype(np.complex64))
