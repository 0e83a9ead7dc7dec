"""The pictures of docs/explanation/recon, and what each method costs: k-space of a head of ellipsoids in closed form.

Run from the project's folder: python scripts/recon_pictures.py [name ...]. Prints CPU seconds of each reconstruction.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.recon.measured import array_of, encoding_of, geometry_of, measure, regular_lines
from tests.recon.trajectories import spirals
from tests.recon.turning import curves, field_map, gaussian_field, train

from fullbore.data import Image, RawData
from fullbore.recon import (
    Combination,
    ConjugateGradient,
    Direct,
    Espirit,
    NlInv,
    ProximalGradient,
    Recipe,
    Walsh,
    Wavelet,
    default_recipe,
    reconstruct,
)

FOLDER = Path(__file__).parents[1] / "docs" / "pictures" / "recon"
MATRIX = (256, 256, 1)
CHANNELS = 8
Panel = tuple[str, np.ndarray, str, float]


def scan(lines: np.ndarray, folded: float = 1.0, noise: float = 4e-8, matrix: tuple[int, int, int] = MATRIX) -> RawData:
    """A slice of the head; folded: the field of view along the lines, in fractions of the one that holds it."""
    geometry = geometry_of(matrix)
    fov = (geometry.fov_m[0], geometry.fov_m[1] * folded, geometry.fov_m[2])
    geometry = replace(geometry, fov_m=fov, encoded_fov_m=fov)
    return measure(encoding_of(geometry, lines), array_of(CHANNELS, 2), noise=noise)


def timed(name: str, raw: RawData, recipe: Recipe) -> Image:
    """The image, its CPU seconds printed; the first run compiles and does not count."""
    reconstruct(raw, recipe)
    began = time.process_time()
    image = reconstruct(raw, recipe)
    spent = time.process_time() - began
    sys.stdout.write(f"{name}: {spent:.2f} CPU s, {image.report['iterations']} iterations, {image.report['noise_map']}\n")
    return image


def grey(title: str, image: Image, top: float) -> Panel:
    """The magnitude."""
    return title, np.abs(image.values[0]), "gray", top


def off(title: str, image: Image, reference: Image, top: float, times: float = 5) -> Panel:
    """How far the magnitude is off, magnified."""
    return f"{title} (x {times:g})", np.abs(np.abs(image.values[0]) - np.abs(reference.values[0])) * times, "gray", top


def save(name: str, panels: list[Panel], rows: int = 1) -> None:
    """Rows of pictures; small, since they lie in the repository."""
    columns = len(panels) // rows
    drawing = Figure(figsize=(2.3 * columns, 2.35 * rows), dpi=75, layout="constrained")
    for axis, (title, values, colours, top) in zip(drawing.subplots(rows, columns).flat, panels, strict=True):
        shown = axis.imshow(values[::-1], cmap=colours, vmin=0, vmax=top)
        axis.set_title(title, fontsize=8)
        axis.set_axis_off()
        if colours != "gray":
            drawing.colorbar(shown, ax=axis, shrink=0.7).ax.tick_params(labelsize=7)
    FOLDER.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png")
    # 64 colours are enough for a row of small pictures and a third of the bytes.
    PIL.Image.open(buffer).convert("RGB").quantize(64).save(FOLDER / f"{name}.png", optimize=True)


def sense() -> None:
    """Twofold regular undersampling in closed form, with its g-factor."""
    full, raw = scan(np.arange(256)), scan(regular_lines(256, 2, 24))
    reference = timed("full sampling", full, Recipe())
    top = float(np.abs(reference.values).max()) * 0.9
    folded = timed("zero-filled", raw, Recipe(solver=Combination()))
    exact = timed("sense", raw, Recipe(solver=Direct(), noise_map="analytic"))
    timed("sense, noise on every fourth column", raw, Recipe(solver=Direct()))
    timed("cg-sense", raw, Recipe(solver=ConjugateGradient()))
    panels = [grey("full sampling", reference, top), grey("zero-filled, R = 1.8", folded, top), grey("SENSE", exact, top)]
    assert exact.g_factor is not None
    save("sense", [*panels, off("error", exact, reference, top), ("g-factor", exact.g_factor[0], "viridis", 2.5)])


def l1_wavelet() -> None:
    """Random lines, R = 4: folding like noise, and a sparse image."""
    rng = np.random.default_rng(3)
    index = np.arange(256)
    density = 24 / (np.abs(index - 128) + 24)
    lines = np.flatnonzero((rng.random(256) < 0.35 * density) | (np.abs(index - 127.5) < 14))
    full, raw = scan(index), scan(lines)
    reference = reconstruct(full)
    top = float(np.abs(reference.values).max()) * 0.9
    linear = timed("cg-sense, random lines", raw, Recipe(solver=ConjugateGradient()))
    sparse = timed("l1-wavelet", raw, Recipe(solver=ProximalGradient(), prior=Wavelet()))
    folded = reconstruct(raw, Recipe(solver=Combination()))
    rate = 256 / len(lines)
    panels = [grey(f"zero-filled, R = {rate:.1f}", folded, top), grey("CG-SENSE", linear, top), grey("l1-wavelet", sparse, top)]
    save("l1-wavelet", [*panels, off("CG-SENSE error", linear, reference, top), off("l1 error", sparse, reference, top)])


def coil_maps() -> None:
    """One channel's map by every method."""
    raw = scan(np.arange(256))
    panels: list[Panel] = []
    methods = {"ESPIRiT": Espirit(crop=0.9), "Walsh": Walsh(), "relative (patch 1)": Walsh(patch=1), "joint": NlInv()}
    for name, coils in methods.items():
        image = timed(f"maps by {name}", raw, Recipe(coils=coils))
        assert image.sensitivities is not None
        panels.append((name, np.abs(image.sensitivities[1, 0]), "viridis", 0.8))
    save("coil-maps", panels)


def soft_sense() -> None:
    """A field of view smaller than the head: one set of maps fails, two do not."""
    matrix = (192, 160, 1)
    raw, full = scan(regular_lines(160, 2, 24), 0.7, matrix=matrix), scan(np.arange(160), 0.7, matrix=matrix)
    solver = ConjugateGradient(iterations=60)
    reference = reconstruct(full, Recipe(coils=Espirit(maps=2), solver=solver))
    top = float(np.abs(reference.values).max()) * 0.9
    one = timed("one set", raw, Recipe(coils=Espirit(), solver=solver))
    two = timed("soft-sense", raw, Recipe(coils=Espirit(maps=2), solver=solver))
    panels = [grey("full sampling, folded", reference, top), grey("one set of maps, R = 2", one, top)]
    save("soft-sense", [*panels, grey("two sets, R = 2", two, top), off("error of two", two, reference, top)])


def joint() -> None:
    """Six lines in the centre are too few for ESPIRiT."""
    full, raw = scan(np.arange(256)), scan(regular_lines(256, 2, 6))
    reference = reconstruct(full)
    top = float(np.abs(reference.values).max()) * 0.9
    recipe = default_recipe(raw)
    image = timed(f"joint estimate ({type(recipe.coils).__name__})", raw, recipe)
    folded = reconstruct(raw, replace(recipe, solver=Combination()))
    panels = [grey("zero-filled, 7 central lines", folded, top), grey("joint estimate, then SENSE", image, top)]
    save("joint", [*panels, off("error", image, reference, top)])


def noise() -> None:
    """The noise of one recipe: closed form, 25 and 100 replicas."""
    raw = scan(regular_lines(128, 2, 20), matrix=(128, 128, 1))
    exact = timed("closed form", raw, Recipe(solver=Direct(), noise_map="analytic"))
    few = timed("25 replicas", raw, Recipe(solver=Direct(), noise_map="replica"))
    many = timed("100 replicas", raw, Recipe(solver=Direct(), noise_map="replica", replicas=100))
    sparse = timed("l1-wavelet, 25 replicas", raw, Recipe(solver=ProximalGradient(), prior=Wavelet(), noise_map="replica"))
    panels: list[Panel] = []
    for title, image in (("closed form", exact), ("25 replicas", few), ("100 replicas", many), ("l1-wavelet", sparse)):
        assert image.g_factor is not None
        panels.append((f"g: {title}", image.g_factor[0], "viridis", 2.0))
    save("noise", panels)


def off_resonance() -> None:
    """A hot spot of 80 Hz and a gradient: an echo-planar train, and four spiral arms of 18 ms under twice as much."""
    matrix = (64, 60, 1)
    few = Recipe(solver=ConjugateGradient(iterations=6, damping=1e-3))
    silent = lambda points: 0 * points[..., 0]  # noqa: E731
    strong = lambda points: gaussian_field(points, 150, 400)  # noqa: E731
    arms, array = spirals(4, matrix, 12, 1800), array_of(4, 2)
    panels: list[Panel] = []
    for name, field in (("EPI", gaussian_field), ("spiral", strong)):
        if name == "EPI":
            plain, raw = (train(matrix, array, kind, spacing=0.6e-3, echo_s=0.02) for kind in (silent, field))
        else:
            plain, raw = (curves(arms, matrix, array, kind, dwell=10e-6) for kind in (silent, field))
        recipe = few if name == "EPI" else replace(default_recipe(plain), noise_map="none")
        reference, before = reconstruct(plain, recipe), timed(f"{name}, field left alone", raw, recipe)
        after = reconstruct(raw, recipe, field_Hz=field_map(field))
        top = float(np.abs(reference.values).max()) * 0.8
        rest = (np.linalg.norm(np.abs(image.values) - np.abs(reference.values)) for image in (before, after))
        told = " and ".join(f"{part / np.linalg.norm(reference.values):.3f}" for part in rest)
        sys.stdout.write(f"{name}: error {told}, before and after, {after.report['field_terms']} terms\n")
        panels += [grey(f"{name}, left alone", before, top), grey(f"{name}, in the model", after, top)]
    save("off-resonance", [("field (Hz)", gaussian_field(reference.grid.points_m())[0], "coolwarm", 90.0), *panels])


PICTURES: dict[str, Callable[[], None]] = {
    "sense": sense,
    "l1-wavelet": l1_wavelet,
    "coil-maps": coil_maps,
    "soft-sense": soft_sense,
    "joint": joint,
    "noise": noise,
    "off-resonance": off_resonance,
}

if __name__ == "__main__":
    for chosen in sys.argv[1:] or PICTURES:
        PICTURES[chosen]()
