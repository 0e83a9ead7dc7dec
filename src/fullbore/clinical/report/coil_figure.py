"""The coil images of a reconstruction."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from fullbore.clinical.report.anatomy import Picture, montage_cuts, mosaic
from fullbore.data import Image


def coil_images(image: Image, most: int = 12) -> Figure:
    """Magnitude and phase of each coil's estimated sensitivity in the middle cut."""
    assert image.sensitivities is not None
    above, below = [], []
    for coil, values in enumerate(image.sensitivities[:most]):
        cuts = montage_cuts(values, image.grid)
        _, middle, aspect = cuts[len(cuts) // 2 if len(cuts) != 3 else 0]
        above.append(Picture(values=np.abs(middle), aspect=aspect, low=0.0, high=1.0, title=f"coil {coil + 1}"))
        below.append(Picture(values=np.angle(middle), aspect=aspect, low=-np.pi, high=np.pi, colours="twilight"))
    return mosaic([above, below], 1.35)
