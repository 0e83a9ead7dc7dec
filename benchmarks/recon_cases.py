"""The reconstruction benchmark's data: k-space whose truth is known, on the files that every tool reads.

The digital patients are painted on a finer grid than the image's, multiplied by the channels' sensitivities there and
transformed; the centre of that k-space is what is measured. So no tool shares the grid of the truth, which is what
noise-free, fully sampled data would show.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fullbore.data import Grid
from fullbore.phantom.body import Body
from fullbore.phantom.registry import make_body
from fullbore.phantom.sampling import shares

STORE = Path(__file__).parent / ".cases"
NOISE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One data set on disk. truth, kspace (frame, coil, x, z, y), zero where not measured; maps (coil, x, z, y)."""

    name: str
    folder: Path

    def load(self, what: str) -> np.ndarray:
        """truth (frame, x, z, y), kspace, maps, or mask (frame, z, y)."""
        return np.load(self.folder / f"{what}.npy")


def case(name: str) -> Case:
    """A case, made when it is asked for the first time."""
    folder = STORE / name
    if not (folder / "truth.npy").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for what, values in CASES[name]().items():
            np.save(folder / f"{what}.npy", values)
            if what in ("kspace", "maps"):
                write_cfl(folder / what, bart_order(values))
    return Case(name=name, folder=folder)


def bart_order(values: np.ndarray) -> np.ndarray:
    """(frame, coil, x, z, y) or (coil, x, z, y) as BART wants them: (x, z, y, coil, 1, ..., frame), frames last of 11."""
    frames = values if values.ndim == 5 else values[None]
    ordered = np.moveaxis(frames, (0, 1), (4, 3))
    return ordered.reshape(*ordered.shape[:4], *[1] * 6, ordered.shape[4])


def write_cfl(name: Path, values: np.ndarray) -> None:
    """BART's format: a text header and column-major complex64."""
    shape = [*values.shape, *[1] * (16 - values.ndim)]
    name.with_suffix(".hdr").write_text("# Dimensions\n" + " ".join(map(str, shape)) + "\n")
    np.asarray(values, np.complex64).ravel(order="F").tofile(name.with_suffix(".cfl"))


def read_cfl(name: Path) -> np.ndarray:
    """The array, without trailing dimensions of size 1."""
    shape = [int(n) for n in name.with_suffix(".hdr").read_text().splitlines()[1].split()]
    return np.fromfile(name.with_suffix(".cfl"), np.complex64).reshape(shape, order="F").squeeze()


def nrmse(image: np.ndarray, truth: np.ndarray) -> float:
    """|s image - truth| / |truth| with the best complex s."""
    scale = np.vdot(image, truth) / np.vdot(image, image)
    return float(np.linalg.norm(scale * image - truth) / np.linalg.norm(truth))


def poisson(shape: tuple[int, int], acceleration: float, centre: int, seed: int) -> np.ndarray:
    """Random mask, denser towards a fully sampled centre, in an ellipse."""
    z, y = (np.linspace(-1, 1, n) for n in shape)
    radius = np.hypot(z[:, None], y)
    draw = np.random.default_rng(seed).random(shape)
    block = (np.abs(z)[:, None] < centre / shape[0]) & (np.abs(y) < centre / shape[1])
    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        density = np.clip(middle * (1 - np.minimum(radius, 1)) ** 2.5, 0, 1)
        mask = ((draw < density) & (radius <= 1)) | block
        low, high = (low, middle) if mask.mean() > 1 / acceleration else (middle, high)
    return mask


def coils(shape: tuple[int, ...], count: int) -> np.ndarray:
    """(coil, *shape) loops around the field of view, unit norm over coil; positions are those of voxel centres."""
    places = np.meshgrid(*[(np.arange(n) - n // 2) * 2 / n for n in shape], indexing="ij")
    rings = 1 if len(shape) == 2 else 2
    maps = []
    for number in range(count):
        ring, angle = number % rings, 2 * np.pi * (number // rings) / (count // rings) + number % rings * np.pi / (count // rings)
        first, second = places[0] - 1.5 * np.cos(angle), places[1] - 1.5 * np.sin(angle)
        third = places[2] - (0.6 if ring else -0.6) if rings == 2 else 0.0
        distance = np.sqrt(first**2 + second**2 + third**2)
        maps.append(np.exp(1j * (angle + np.arctan2(second, first))) / distance**1.5)
    stacked = np.stack(maps)
    return (stacked / np.sqrt((np.abs(stacked) ** 2).sum(0))).astype(np.complex64)


def _contrast(body: Body) -> np.ndarray:
    """Spoiled gradient echo, TR 15 ms, flip 22 degrees, TE 4 ms."""
    recovery = np.exp([-15e-3 / tissue.t1_s for tissue in body.tissues])
    rest = np.array([tissue.proton_density * np.exp(-4e-3 / tissue.t2_s) for tissue in body.tissues])
    flip = np.deg2rad(22)
    return rest * np.sin(flip) * (1 - recovery) / (1 - np.cos(flip) * recovery)


def _painted(body: Body, grid: Grid, time_s: float = 0.0) -> np.ndarray:
    weights = _contrast(body)
    slabs = []
    for first in range(0, grid.shape[0], 8):
        affine = grid.affine_m.copy()
        affine[:3, 3] += first * affine[:3, 2]
        part = Grid(shape=(min(8, grid.shape[0] - first), *grid.shape[1:]), affine_m=affine)
        slabs.append(np.tensordot(weights, shares(body, part, time_s), 1))
    image = np.concatenate(slabs)
    return image / np.percentile(image[image > 0.02 * image.max()], 99.5)


def _smooth_phase(shape: tuple[int, ...]) -> np.ndarray:
    u = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij", sparse=True)
    return np.exp(1j * (0.8 * u[-1] + 0.6 * u[-2] ** 2 - 0.5 * u[-1] * u[-2] - (0.4 * u[0] if len(shape) == 3 else 0)))


def _centre_of(values: np.ndarray, shape: tuple[int, ...], axes: tuple[int, ...]) -> np.ndarray:
    """Centred unitary k-space of a fine image, its centre only, on the scale of the coarse image."""
    factor = np.prod([shape[a] / values.shape[a] for a in axes])
    for axis in axes:
        spectrum = np.fft.fftshift(np.fft.fft(np.fft.ifftshift(values, axis), axis=axis, norm="ortho"), axis)
        n = values.shape[axis]
        values = np.take(spectrum, range(n // 2 - shape[axis] // 2, n // 2 - shape[axis] // 2 + shape[axis]), axis)
    return (values * np.sqrt(factor)).astype(np.complex64)


def _image_of(kspace: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return np.fft.fftshift(np.fft.ifftn(np.fft.ifftshift(kspace, axes), axes=axes, norm="ortho"), axes).astype(np.complex64)


def _noise(shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((2, *shape), dtype=np.float32)
    return (NOISE / np.sqrt(2) * (parts[0] + 1j * parts[1])).astype(np.complex64)


def _plane(body_name: str, count: int, fov_m: float, matrix: int, z_m: float, times: list[float]) -> Iterator[np.ndarray]:
    body = make_body(body_name)
    fine = matrix * count
    middle = [(low + high) / 2 for low, high in zip(body.low_m or (), body.high_m or (), strict=True)]
    grid = Grid.centred((1, fine, fine), (fov_m / fine, fov_m / fine, 1e-3), (middle[0], middle[1], z_m))
    for time_s in times:
        image = _painted(body, grid, time_s)[0]
        yield (image * _smooth_phase(image.shape)).astype(np.complex64)


def _head_slice(z_m: float = 0.02) -> dict[str, np.ndarray]:
    (image,) = _plane("whole-head", 3, 0.25, 256, z_m, [0.0])
    shape = (256, 256)
    truth = _image_of(_centre_of(image, shape, (0, 1)), (0, 1))
    full = np.stack([_centre_of(channel * image, shape, (0, 1)) for channel in coils(image.shape, 8)])
    mask = poisson(shape, 6, 24, 3)
    kspace = (full + _noise(full.shape, 1)) * mask
    return {"truth": truth[None, None], "kspace": kspace[None, :, None], "maps": coils(shape, 8)[:, None], "mask": mask[None]}


def _cine() -> dict[str, np.ndarray]:
    frames, shape = 24, (128, 128)
    truths, measured, masks = [], [], []
    period = float(make_body("heart").truths["heart_period_s"])
    for number, image in enumerate(_plane("heart", 2, 0.26, 128, 0.0, [period * n / frames for n in range(frames)])):
        truths.append(_image_of(_centre_of(image, shape, (0, 1)), (0, 1)))
        full = np.stack([_centre_of(channel * image, shape, (0, 1)) for channel in coils(image.shape, 8)])
        line = np.arange(128) - 64
        chosen = np.random.default_rng(100 + number).random(128) < np.clip(0.252 * np.exp(-((line / 28.0) ** 2)) + 0.07, 0, 1)
        chosen[60:68] = True
        masks.append(chosen)
        measured.append((full + _noise(full.shape, number)) * chosen)
    # The readout is the first image axis; columns of it are independent.
    kspace = np.stack(measured)[:, :, :, None]
    maps = coils(shape, 8)[:, :, None]
    return {"truth": np.stack(truths)[:, :, None], "kspace": kspace, "maps": maps, "mask": np.stack(masks)[:, None]}


def _head_volume() -> dict[str, np.ndarray]:
    shape, fine = (160, 160, 128), (240, 240, 192)
    body = make_body("whole-head")
    spacing = (0.25 / 240, 0.25 / 240, 0.24 / 192)
    image = np.transpose(_painted(body, Grid.centred(fine[::-1], spacing, (0.0, -0.007, -0.015))), (2, 1, 0))
    image = (image * _smooth_phase(image.shape)).astype(np.complex64)
    truth = _image_of(_centre_of(image, shape, (0, 1, 2)), (0, 1, 2))
    mask = poisson((160, 128), 6, 24, 5)
    channels = [
        (_centre_of(channel * image, shape, (0, 1, 2)) + _noise(shape, number)) * mask
        for number, channel in enumerate(coils(fine, 8))
    ]
    return {"truth": truth[None], "kspace": np.stack(channels)[None], "maps": coils(shape, 8), "mask": mask[None]}


def _bart_phantom() -> dict[str, np.ndarray]:
    """BART's own Shepp-Logan in closed form, its own 8 sensitivities, noise and the mask of the head slice."""
    folder = STORE / "bart2d"
    for command in ("phantom -x256 -k -s8 full", "phantom -x256 -S8 sens", "phantom -x256 image"):
        subprocess.run(["/usr/bin/bart", *command.split()], cwd=folder, check=True, capture_output=True)
    full = np.moveaxis(read_cfl(folder / "full"), -1, 0)
    full = full / np.abs(_image_of(full, (1, 2))).max()
    maps = np.moveaxis(read_cfl(folder / "sens"), -1, 0)
    maps = maps / np.sqrt((np.abs(maps) ** 2).sum(0))
    mask = poisson((256, 256), 6, 24, 3)
    # The truth is what full sampling of the same closed form shows; the sensitivities' norm is part of it.
    truth = (maps.conj() * _image_of(full, (1, 2))).sum(0)
    kspace = (full + _noise(full.shape, 1)) * mask
    return {"truth": truth[None, None], "kspace": kspace[None, :, None], "maps": maps[:, None], "mask": mask[None]}


CASES: dict[str, Callable[[], dict[str, np.ndarray]]] = {
    "head2d": _head_slice,
    "head3d": _head_volume,
    "cine": _cine,
    "bart2d": _bart_phantom,
}
