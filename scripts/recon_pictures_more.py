"""More pictures of docs/explanation: methods beside what they replace, each panel with its measured error.

Run from the project's folder: python scripts/recon_pictures_more.py [name ...]. An error is |magnitude - reference's| over
|reference|, both as root sums of squares (NRMSE); references are noiseless full sampling of the same head in closed form.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from recon_pictures import Panel, save, scan
from tests.recon import test_epi, test_motion, test_multiband, test_wave
from tests.recon.measured import FOV, HEAD, array_of, encoding_of, full_lines, geometry_of, measure, received, regular_lines
from tests.recon.played import MACHINE, SPIRAL, girf_of, sequence_of
from tests.recon.test_played_scans import disc
from tests.recon.trajectories import kooshball, measure_along, spokes
from tests.recon.turning import frames_of, head_points, turning_signal

from fullbore.data import FieldMap, Flaws, Grid, RawData
from fullbore.recon import (
    Cartesian,
    Combination,
    ConjugateGradient,
    Espirit,
    MotionCorrection,
    NonUniform,
    ProximalGradient,
    Recipe,
    Wave,
    Wavelet,
    default_recipe,
    reconstruct,
    unwarp,
)
from fullbore.recon.calibration.played_path import with_played_path
from fullbore.recon.recipe import (
    EpiPhase,
    Grappa,
    LocallyLowRank,
    LowRankPlusSparse,
    PartialFourier,
    PrimalDual,
    SmsSense,
    Spirit,
    TemporalTotalVariation,
    TotalGeneralisedVariation,
    TotalVariation,
)
from fullbore.simulate import acquire

SLICE = (128, 128, 1)


class Sheet:
    """Panels beside one reference."""

    def __init__(self, reference: np.ndarray, title: str = "full sampling", inside: np.ndarray | None = None) -> None:
        """reference: of any shape; its panel shows `shown` of it. inside: where errors count, everywhere unless given."""
        self.reference, self.inside = np.abs(reference), np.ones(reference.shape, bool) if inside is None else inside
        self.top = float(self.reference.max()) * 0.9
        self.panels: list[Panel] = [(title, flat(self.reference), "gray", self.top)]
        self.errors: list[Panel] = []

    def add(self, title: str, values: np.ndarray, times: float = 5) -> None:
        """One panel with its error in the title, and one of the error, magnified."""
        rest = np.abs(np.abs(values) - self.reference)
        error = np.linalg.norm(rest[self.inside]) / np.linalg.norm(self.reference[self.inside])
        sys.stdout.write(f"{title}: {100 * error:.1f} %\n")
        self.panels.append((f"{title}, {100 * error:.1f} %", flat(np.abs(values)), "gray", self.top))
        self.errors.append((f"{title}: error (x {times:g})", flat(rest * times), "gray", self.top))


def flat(values: np.ndarray) -> np.ndarray:
    """The middle slice of (..., z, y, x)."""
    while values.ndim > 2:
        values = values[len(values) // 2]
    return values


def grappa() -> None:
    """Every third line and a centre of 24."""
    raw = scan(regular_lines(128, 3, 24), noise=1e-8, matrix=SLICE)
    sheet = Sheet(reconstruct(scan(np.arange(128), noise=0.0, matrix=SLICE)).values)
    sheet.add("zero-filled", reconstruct(raw, Recipe(solver=Combination())).values)
    for completion in (Grappa(), Spirit()):
        title = "GRAPPA" if isinstance(completion, Grappa) else "SPIRiT"
        sheet.add(title, reconstruct(raw, Recipe(completion=completion)).values)
    save("grappa", sheet.panels + sheet.errors[1:])


def partial_fourier() -> None:
    """Five eighths of k-space along the phase encoding."""
    raw = scan(np.arange(48, 128), matrix=SLICE)
    sheet = Sheet(reconstruct(scan(np.arange(128), noise=0.0, matrix=SLICE)).values)
    sheet.add("zero-filled", reconstruct(raw, Recipe(partial_fourier=PartialFourier(method="zero"))).values)
    sheet.add("homodyne", reconstruct(raw, Recipe(partial_fourier=PartialFourier(method="homodyne"))).values)
    sheet.add("POCS", reconstruct(raw, Recipe(partial_fourier=PartialFourier(method="pocs"))).values)
    save("partial-fourier", sheet.panels + sheet.errors[:1] + sheet.errors[2:])


def epi_ghost() -> None:
    """A delay of 0.7 samples and 0.4 rad between the two polarities."""
    sheet = Sheet(reconstruct(test_epi.train(), Recipe()).values, "no delay")
    raw = test_epi.train(delay=0.7, constant=0.4)
    sheet.add("left alone", reconstruct(raw, Recipe()).values)
    sheet.add("reference readouts", reconstruct(raw, Recipe(readout_phase=EpiPhase(source="reference"))).values)
    sheet.add("least entropy", reconstruct(test_epi.train(delay=0.7, constant=0.4, references=0)).values)
    save("epi-ghost", sheet.panels)


def folded(raw: RawData) -> np.ndarray:
    """What a group of slices looks like to somebody who takes it for one."""
    rows = raw.encoding.labels["SMS"] > 0
    part = raw.take(rows)
    encoding = replace(part.encoding, labels={}, geometry=replace(part.encoding.geometry, slice_offsets_m=np.zeros(1)))
    return reconstruct(replace(part, encoding=encoding, trajectory_per_m=None), Recipe()).values


def simultaneous_slices() -> None:
    """Two slices at once, every second line, noise."""
    lines = np.arange(0, 48, 2)
    alone = reconstruct(test_multiband.scan(2, 2, 2, np.arange(48), together=False), Recipe()).values
    whole, raw = (test_multiband.scan(2, 2, 2, chosen, noise=3e-8) for chosen in (np.arange(48), lines))
    kernels = replace(default_recipe(raw), solver=Combination(), prior=None, completion=Grappa())
    sense = Recipe(coils=Espirit(crop=0.8), solver=ConjugateGradient(iterations=40), multiband=SmsSense())
    ways = {"taken for one": folded(whole), "kernels": reconstruct(raw, kernels).values, "SENSE": reconstruct(raw, sense).values}
    side = lambda values: np.concatenate([values[0], values[-1]])  # noqa: E731
    sheet = Sheet(side(alone), "alone")
    for title, values in ways.items():
        sheet.add(title, side(values))
    save("simultaneous-slices", sheet.panels)


def priors() -> None:
    """Random lines with noise, R = 2.7: what each prior leaves."""
    rng, index = np.random.default_rng(3), np.arange(128)
    lines = np.flatnonzero((rng.random(128) < 0.25) | (np.abs(index - 63.5) < 12))
    raw = scan(lines, noise=6e-8, matrix=SLICE)
    sheet = Sheet(reconstruct(scan(index, noise=0.0, matrix=SLICE)).values)
    sys.stdout.write(f"R = {128 / len(lines):.1f}\n")
    # The damping of least error among 0.01, 0.03, 0.1 and 0.2; the default's image is mostly noise.
    sheet.add("SENSE, damped", reconstruct(raw, Recipe(solver=ConjugateGradient(damping=0.03))).values)
    sheet.add("l1-wavelet", reconstruct(raw, Recipe(solver=ProximalGradient(), prior=Wavelet())).values)
    sheet.add("TV", reconstruct(raw, Recipe(solver=PrimalDual(), prior=TotalVariation())).values)
    sheet.add("TGV", reconstruct(raw, Recipe(solver=PrimalDual(), prior=TotalGeneralisedVariation())).values)
    save("priors", sheet.panels)


def beating(frame: int, frames: int) -> tuple[tuple[tuple[float, ...], tuple[float, ...], float], ...]:
    """The head with a part that swells and shrinks once in all frames, and one that brightens."""
    beat = np.cos(2 * np.pi * frame / frames)
    centre, half, density = HEAD[2]
    swollen = (centre, tuple(h * (1 + 0.35 * beat) for h in half), density)
    return (*HEAD[:2], swollen, *HEAD[3:5], (*HEAD[5][:2], HEAD[5][2] * (1 + 0.5 * beat)))


def cine() -> None:
    """Twelve frames of a part that beats, each with random lines of its own."""
    matrix, frames, array, index = (64, 64, 1), 12, array_of(6, 2), np.arange(64)
    whole, few = [], []
    for frame in range(frames):
        rng, objects = np.random.default_rng(frame), beating(frame, frames)
        lines = np.flatnonzero((rng.random(64) < 0.16) | (np.abs(index - 31.5) < 5))
        geometry = geometry_of(matrix)
        whole.append(measure(encoding_of(geometry, index), array, objects=objects))
        few.append(measure(encoding_of(geometry, lines), array, noise=5e-8, seed=frame, objects=objects))
    sheet, raw = Sheet(reconstruct(frames_of(whole)).values[:, 0]), frames_of(few)
    sys.stdout.write(f"R = {frames * 64 / len(raw.samples):.1f}\n")
    ways = {
        # The damping of least error among 0.01, 0.03, 0.1 and 0.2.
        "SENSE, damped": Recipe(solver=ConjugateGradient(damping=0.01)),
        "low rank in blocks": Recipe(solver=ProximalGradient(iterations=30), prior=LocallyLowRank()),
        "low rank + sparse": Recipe(solver=ProximalGradient(iterations=50), prior=LowRankPlusSparse()),
        "temporal TV": Recipe(solver=PrimalDual(), prior=TemporalTotalVariation()),
    }
    for title, recipe in ways.items():
        sheet.add(title, reconstruct(raw, recipe).values[:, 0])
    save("cine", sheet.panels)


def within(raw: RawData, rim_per_m: float, axes: int) -> RawData:
    """The data with what lies beyond the circle or ball that curves reach set to zero."""
    inside = np.linalg.norm(raw.encoding.trajectory_per_m()[..., :axes], axis=-1) <= rim_per_m
    return replace(raw, samples=raw.samples * inside[:, None])


def radial() -> None:
    """Forty spokes of a slice; the reference is full sampling of the same circle."""
    matrix, array = (128, 120, 1), array_of(8, 2)
    rim = min(n / f for n, f in zip(matrix[:2], FOV, strict=False)) / 2
    whole = reconstruct(within(measure(encoding_of(geometry_of(matrix), np.arange(120)), array), rim, 2)).values
    raw = measure_along(spokes(40, matrix), matrix, array, noise=1e-7)
    sheet = Sheet(whole, inside=np.abs(whole) > 0.1 * np.abs(whole).max())
    sheet.add("gridding", reconstruct(raw, Recipe(encoding=NonUniform(), solver=Combination())).values)
    sheet.add("least squares, 30 steps", reconstruct(raw, Recipe(encoding=NonUniform(), solver=ConjugateGradient())).values)
    sheet.add("the default", reconstruct(raw).values)
    save("radial", sheet.panels)


def koosh() -> None:
    """A head blurred so that the ball of k-space holds it, along 600 diameters."""
    matrix, array = (48, 44, 32), array_of(8)
    rim = min(n / f for n, f in zip(matrix, FOV, strict=True)) / 2
    # The blur leaves a thousandth of the centre at the rim.
    soft = float(np.sqrt(np.log(1000) / 2) / (np.pi * rim))
    whole = reconstruct(measure(encoding_of(geometry_of(matrix), *full_lines(matrix)), array, softness_m=soft)).values
    raw = measure_along(kooshball(600, matrix), matrix, array, noise=1e-7, softness_m=soft)
    sheet = Sheet(whole, inside=np.abs(whole) > 0.1 * np.abs(whole).max())
    sheet.add("gridding", reconstruct(raw, Recipe(encoding=NonUniform(), solver=Combination())).values, times=20)
    sheet.add("the default", reconstruct(raw).values, times=20)
    save("kooshball", sheet.panels + sheet.errors)


def wave() -> None:
    """Two thirds of the lines left out, noise: straight lines and a wave, each beside its own full sampling."""
    z, y = np.meshgrid(np.arange(test_wave.MATRIX[2]), np.arange(test_wave.MATRIX[1]), indexing="ij")
    keep = (y % 3 == z % 2) | ((np.abs(z - 13.5) < 8) & (np.abs(y - 15.5) < 8))
    noise = 0.01 * float(np.abs(test_wave.scan(coils=5, wave=False).samples).mean())
    panels: list[Panel] = []
    for title, waves, encoding in (("straight lines", False, Cartesian()), ("wave", True, Wave())):
        sheet = Sheet(axial(reconstruct(test_wave.scan(coils=5, wave=waves)).values))
        raw = test_wave.scan(coils=5, keep=keep, wave=waves, noise=noise)
        recipe = Recipe(encoding=encoding, solver=ConjugateGradient())
        sheet.add(title, axial(reconstruct(raw, recipe).values))
        panels += (sheet.panels[:1] if not waves else []) + sheet.panels[1:] + sheet.errors
    sys.stdout.write(f"R = {keep.size / keep.sum():.1f}\n")
    save("wave", panels)


def axial(values: np.ndarray) -> np.ndarray:
    """(x, z, y): planes in which both axes are phase-encoded."""
    return values.transpose(2, 0, 1)


def motion() -> None:
    """Six interleaved shots, each in a pose of its own."""
    still, moved, poses = test_motion.scan((64, 60, 1), test_motion.in_plane_poses(6, 0))
    sheet = Sheet(reconstruct(still, test_motion.STILL).values, "still")
    sheet.add("left alone", reconstruct(moved, test_motion.STILL).values)
    sheet.add("known poses", reconstruct(moved, test_motion.STILL, poses=poses).values)
    estimated = replace(test_motion.STILL, motion=MotionCorrection())
    sheet.add("estimated poses", reconstruct(moved, estimated).values)
    save("motion", sheet.panels)


def bent(points: np.ndarray) -> np.ndarray:
    """Where gradients that weaken outwards put a point: 8 mm less at 10 cm."""
    return points - 8.0 * points * (points**2).sum(-1, keepdims=True)


def unwarping() -> None:
    """A head whose every point appears where bent gradients put it, then put back."""
    matrix, array = (80, 72, 1), array_of(4, 2)
    encoding = encoding_of(geometry_of(matrix), np.arange(72))
    path, (points, weights) = encoding.trajectory_per_m(), head_points(matrix, 3)
    images = []
    for place in (points, bent(points)):
        signal = turning_signal(path, path[..., 0] * 0, place, weights * array.maps(points), place[:, 0] * 0)
        images.append(reconstruct(received(encoding, signal * 0.005, path, 0.0, 0)))
    grid = Grid.centred((9, 41, 41), (0.008, 0.008, 0.008))
    field = FieldMap(values=np.moveaxis(bent(grid.points_m()), -1, 0).copy(), grid=grid, unit="m")
    sheet = Sheet(images[0].values, "linear gradients")
    sheet.add("bent gradients", images[1].values, times=2)
    sheet.add("unwarped", unwarp(images[1], field).values, times=2)
    save("unwarp", sheet.panels + sheet.errors)


def played() -> None:
    """A spiral on a machine with delays, eddy currents and ringing: where the sequence asked for, and where it was."""
    sequence, spec = sequence_of(SPIRAL, matrix=[64, 64], interleaves=8)
    flawed = replace(spec, flaws=Flaws(response=MACHINE))
    body = disc(0.005, points=52)
    raw, ideal = (acquire(body, sequence, machine, seed=1, spins=4000, engine="spins") for machine in (flawed, spec))
    girf = girf_of(MACHINE)
    sheet = Sheet(reconstruct(ideal).values[0], "a machine without flaws")
    sheet.add("nominal path", reconstruct(raw).values[0])
    sheet.add("GIRF, trajectory alone", reconstruct(with_played_path(raw, girf)).values[0])
    sheet.add("GIRF and sequence", reconstruct(with_played_path(raw, girf, sequence)).values[0])
    save("played-path", sheet.panels)


PICTURES: dict[str, Callable[[], None]] = {
    "cine": cine,
    "grappa": grappa,
    "kooshball": koosh,
    "motion": motion,
    "partial-fourier": partial_fourier,
    "played-path": played,
    "epi-ghost": epi_ghost,
    "priors": priors,
    "radial": radial,
    "simultaneous-slices": simultaneous_slices,
    "unwarp": unwarping,
    "wave": wave,
}

if __name__ == "__main__":
    for chosen in sys.argv[1:] or PICTURES:
        PICTURES[chosen]()
