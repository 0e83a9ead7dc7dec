"""The page of one reconstruction of anybody's raw data."""

from __future__ import annotations

from html import escape

import numpy as np
from matplotlib.figure import Figure

from fullbore.clinical.report.anatomy import DPI, rows_of_cuts
from fullbore.clinical.report.coil_figure import coil_images
from fullbore.clinical.report.html import figure, page, table
from fullbore.clinical.report.sequence_figures import sampling
from fullbore.data import FieldMap, Image, RawData


def picture(image: Image) -> Figure:
    """The image's first frame (or several) as cuts."""
    frames = np.abs(image.values.reshape(-1, *image.grid.shape))
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), 6)).round().astype(int))
    top = float(np.percentile(frames, 99.7)) or 1.0
    return rows_of_cuts(
        [(f"frame {i + 1}" if len(frames) > 1 else image.name, frames[i], 0.0, top, "gray") for i in chosen], image.grid
    )


def recon_page(
    raw: RawData, image: Image, source: str, source_sha256: str, recipe: str = "", field: FieldMap | None = None
) -> str:
    """Image, noise, sampling, coils and what was done, as HTML text.

    recipe: as TOML, with its reasons. field: off-resonance that was found with the image, Hz.
    """
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
    facts += [(f"reconstruction: {key}", str(value)) for key, value in image.report.items() if key != "residual_curve"]
    body = f'<h1>{escape(image.name)}</h1><p class="lead">Reconstructed by Fullbore from {escape(source)}.</p>'
    body += figure(picture(image), "Reconstructed image (magnitude).")
    for drawing, caption in _noise_figures(image):
        body += figure(drawing, caption)
    if field is not None:
        body += figure(_field_figure(field), "Off-resonance that was found with the image; a guess where there is no signal.")
    curve = image.report.get("residual_curve")
    if isinstance(curve, list) and len(curve) > 1:
        body += figure(residual_figure(curve, int(str(image.report["iterations"]))), "Residual after each iteration.")
    body += figure(sampling(encoding), "Sampling of k-space and the order of the readouts.")
    if image.sensitivities is not None:
        body += figure(coil_images(image), "Estimated coil sensitivities (magnitude above, phase below).")
    if recipe:
        body += (
            f"<h2>Recipe</h2><p>SHA-256 <code>{escape(str(image.report['recipe_sha256']))}</code></p><pre>{escape(recipe)}</pre>"
        )
    return page(f"Fullbore reconstruction of {source}", body + table(("what", "value"), facts))


def residual_figure(curve: list[float], iterations: int) -> Figure:
    """The residual over the iterations, on a logarithmic scale."""
    drawing = Figure(figsize=(6, 2.6), dpi=DPI, layout="constrained")
    axis = drawing.subplots()
    axis.semilogy(np.linspace(iterations / len(curve), iterations, len(curve)), np.maximum(curve, 1e-12), marker=".")
    axis.set(xlabel="iteration", ylabel="relative residual")
    axis.grid(alpha=0.3)
    return drawing


def _field_figure(field: FieldMap) -> Figure:
    values = field.values[0].real
    top = float(np.percentile(np.abs(values), 99)) or 1.0
    return rows_of_cuts([("off-resonance", values, -top, top, "RdBu_r")], field.grid, unit="Hz")


def _noise_figures(image: Image) -> list[tuple[Figure, str]]:
    """The noise map and the g-factor map, each with a scale of its own."""
    told = str(image.report.get("noise_map", ""))
    drawn = []
    for values, name, caption in (
        (image.noise_std, "noise", f"Standard deviation of the noise, in the units of the image ({told})."),
        (image.g_factor, "g-factor", f"g-factor: noise beyond that of fewer samples ({told})."),
    ):
        if values is not None:
            top = float(np.percentile(values, 99.5)) or 1.0
            unit = "g" if name == "g-factor" else "1"
            drawn.append((rows_of_cuts([(name, values, 0.0, top, "viridis")], image.grid, unit=unit), caption))
    return drawn
