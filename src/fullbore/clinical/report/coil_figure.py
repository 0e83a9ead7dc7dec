"""The coil images of a reconstruction."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from fullbore.clinical.report.anatomy import dark_figure, montage_cuts, show
from fullbore.data import Image


def coil_images(image: Image, most: int = 12) -> Figure:
    """Magnitude and phase of each coil's estimated sensitivity in the middle cut."""
    assert image.sensitivities is not None
    maps = image.sensitivities[:most]
    drawing = dark_figure(1.45 * len(maps) + 0.4, 3.2)
    axes = drawing.subplots(2, len(maps), squeeze=False)
    for coil, values in enumerate(maps):
        cuts = montage_cuts(np.abs(values), image.grid)
        phases = montage_cuts(np.angle(values), image.grid)
        middle = len(cuts) // 2 if len(cuts) != 3 else 0
        show(axes[0, coil], cuts[middle][1], cuts[middle][2], 0.0, 1.0, "gray", f"coil {coil + 1}")
        show(axes[1, coil], phases[middle][1], phases[middle][2], -np.pi, np.pi, "twilight")
    return drawing
