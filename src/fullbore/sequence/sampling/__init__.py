"""Which points of k-space are measured, in which order, and what that does to a point and to noise.

More in the modules: `angles` (spokes, phyllotaxis), `orders`, `noise` (g-factor), `spread` (point spread), `vista`.
"""

from fullbore.numerics.lattice_g_factor import lattice_g_factor
from fullbore.sequence.sampling.angles import golden_spokes_rad, phyllotaxis
from fullbore.sequence.sampling.noise import replica_g_factor
from fullbore.sequence.sampling.orders import paired, shuffled_trains
from fullbore.sequence.sampling.poisson import poisson_disc, poisson_frames
from fullbore.sequence.sampling.regular import best_caipi, regular_lines
from fullbore.sequence.sampling.spread import point_spread
from fullbore.sequence.sampling.vista import vista_lines

__all__ = [
    "best_caipi",
    "golden_spokes_rad",
    "lattice_g_factor",
    "paired",
    "phyllotaxis",
    "point_spread",
    "poisson_disc",
    "poisson_frames",
    "regular_lines",
    "replica_g_factor",
    "shuffled_trains",
    "vista_lines",
]
