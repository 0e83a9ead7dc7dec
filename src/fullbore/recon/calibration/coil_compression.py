"""Fewer channels that hold almost all of the signal."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex


def principal_channels(samples: Complex[np.ndarray, "coil n"], keep: int) -> Complex[np.ndarray, "virtual coil"]:
    """Orthonormal rows: the `keep` combinations of whitened channels with the most signal, strongest first.

    Being orthonormal, they keep white noise white. Source: Huang et al. 2008.
    """
    gram = samples @ samples.conj().T
    _, vectors = np.linalg.eigh(gram.astype(np.complex128))
    return np.ascontiguousarray(vectors[:, ::-1][:, :keep].conj().T)
