"""Fewer channels that hold almost all of the signal."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex

# Columns whose samples are joined for the channels of the middle one.
_WINDOW = 5


def principal_channels(samples: Complex[np.ndarray, "coil n"], keep: int) -> Complex[np.ndarray, "virtual coil"]:
    """Orthonormal rows: the `keep` combinations of whitened channels with the most signal, strongest first.

    Being orthonormal, they keep white noise white. Source: Huang et al. 2008.
    """
    gram = samples @ samples.conj().T
    _, vectors = np.linalg.eigh(gram.astype(np.complex128))
    return np.ascontiguousarray(vectors[:, ::-1][:, :keep].conj().T)


def aligned_channels(columns: Complex[np.ndarray, "x coil n"], keep: int) -> Complex[np.ndarray, "x virtual coil"]:
    """`principal_channels` of each readout column, turned into each other so that they vary smoothly along the readout.

    Fewer are needed than for the whole volume at once, since a column is seen by its channels in fewer ways. The columns'
    own bases are free up to a rotation; each is turned to be nearest to its neighbour's, from the column with most signal
    outwards. columns: whitened samples near the centre of k-space. Source: Zhang et al. 2013, eqs. 4 to 7.
    """
    gram = np.einsum("xcn,xdn->xcd", columns, columns.conj()).astype(np.complex128)
    wide = np.pad(gram, ((_WINDOW // 2, _WINDOW // 2), (0, 0), (0, 0)))
    gram = np.asarray(sum(wide[shift : shift + len(gram)] for shift in range(_WINDOW)))
    bases = np.linalg.eigh(gram)[1][:, :, ::-1][:, :, :keep].conj().swapaxes(1, 2)
    start = int(np.argmax(np.einsum("xcc->x", gram).real))
    for step, end in ((1, len(bases)), (-1, -1)):
        for x in range(start + step, end, step):
            left, _, right = np.linalg.svd(bases[x - step] @ bases[x].conj().T)
            bases[x] = left @ right @ bases[x]
    return np.ascontiguousarray(bases)
