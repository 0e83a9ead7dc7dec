"""The page of one reconstruction of anybody's raw data."""

from __future__ import annotations

from html import escape

import numpy as np
from matplotlib.figure import Figure

from fullbore.clinical.report.anatomy import rows_of_cuts
from fullbore.clinical.report.coil_figure import coil_images
from fullbore.clinical.report.html import figure, page, table
from fullbore.clinical.report.sequence_figures import sampling
from fullbore.data import Image, RawData


def picture(image: Image) -> Figure:
    """The image's first frame (or several) as cuts."""
    frames = np.abs(image.values.reshape(-1, *image.grid.shape))
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), 6)).round().astype(int))
    top = float(np.percentile(frames, 99.7)) or 1.0
    return rows_of_cuts(
        [(f"frame {i + 1}" if len(frames) > 1 else image.name, frames[i], 0.0, top, "gray") for i in chosen], image.grid
    )


def recon_page(raw: RawData, image: Image, source: str, source_sha256: str) -> str:
    """Image, sampling, coils and what was done, as HTML text."""
    encoding = raw.encoding
    facts = [
        ("file", source),
        ("SHA-256", source_sha256),
        ("system", raw.system or "unknown"),
        ("readouts × coils × samples", " × ".join(map(str, raw.samples.shape))),
        ("matrix (read, phase, slice)", str(encoding.geometry.matrix)),
        ("voxel (mm, x, y, z)", ", ".join(f"{v * 1e3:.3g}" for v in image.grid.spacing_m)),
        ("noise scan", "yes" if raw.noise is not None else "no"),
    ]
    facts += [(f"read: {key}", value) for key, value in raw.provenance.items()]
    facts += [(f"reconstruction: {key}", str(value)) for key, value in image.report.items()]
    body = f'<h1>{escape(image.name)}</h1><p class="lead">Reconstructed by Fullbore from {escape(source)}.</p>'
    body += figure(picture(image), "Reconstructed image (magnitude).")
    body += figure(sampling(encoding), "Sampling of k-space and the order of the readouts.")
    if image.sensitivities is not None:
        body += figure(coil_images(image), "Estimated coil sensitivities (magnitude above, phase below).")
    return page(f"Fullbore reconstruction of {source}", body + table(("what", "value"), facts))
