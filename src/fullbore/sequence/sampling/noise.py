"""Noise that parallel imaging adds (g-factor) with any mask, from replicas; a simple array to try it on."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Complex, Float

from fullbore.errors import ShapeError
from fullbore.numerics.lattice_g_factor import seen
from fullbore.physics.magnetostatics import loop_field, loop_segments


def replica_g_factor(
    mask: Bool[np.ndarray, "row column"],
    coils: Complex[np.ndarray, "coil row column"],
    seed: int,
    replicas: int = 48,
    regularisation: float = 1e-3,
    iterations: int = 60,
) -> Float[np.ndarray, "row column"]:
    """g of any mask: noise of the SENSE solution over that of the full grid, over sqrt(acceleration); 0 where no coil sees.

    regularisation: Tikhonov weight, of the largest sum of squares; it lowers g where a mask leaves k-space nearly empty.
    Error: a standard error of 1 / sqrt(4 replicas) of g (7 % at 48), from complex noise replicas.
    Source: Robson 2008, MRM 60:895; conjugate gradient after Pruessmann 2001, MRM 46:638.
    """
    if mask.shape != coils.shape[1:]:
        raise ShapeError(f"replica_g_factor: mask {mask.shape} and coils {coils.shape[1:]} differ; give one grid.")
    inside = seen(coils)
    power = (np.abs(coils) ** 2).sum(axis=0)
    weight = regularisation * float(power.max())
    kept = np.fft.ifftshift(mask)
    rng = np.random.default_rng(seed)
    total = np.zeros(mask.shape)
    for _ in range(replicas):
        noise = rng.standard_normal((2, *coils.shape))
        data = kept * (noise[0] + 1j * noise[1])
        image = _solved(
            (coils.conj() * np.fft.ifft2(data, norm="ortho")).sum(axis=0) * inside, coils * inside, kept, weight, iterations
        )
        total += np.abs(image) ** 2
    variance = total / (2 * replicas)
    return np.asarray(np.where(inside, np.sqrt(variance * power * mask.sum() / mask.size), 0.0))


def _solved(
    right: Complex[np.ndarray, "row column"],
    coils: Complex[np.ndarray, "coil row column"],
    kept: Bool[np.ndarray, "row column"],
    weight: float,
    iterations: int,
) -> Complex[np.ndarray, "row column"]:
    """Conjugate gradients on (C^H F^H M F C + weight) x = right."""

    def normal(x: np.ndarray) -> np.ndarray:
        k = kept * np.fft.fft2(coils * x, norm="ortho")
        return np.asarray((coils.conj() * np.fft.ifft2(k, norm="ortho")).sum(axis=0) + weight * x)

    x, residual = np.zeros_like(right), right.copy()
    direction, energy = right.copy(), float(np.vdot(right, right).real)
    stop = 1e-6 * energy
    for _ in range(iterations):
        image = normal(direction)
        step = energy / float(np.vdot(direction, image).real)
        x += step * direction
        residual -= step * image
        new = float(np.vdot(residual, residual).real)
        if new < stop:
            break
        direction, energy = residual + (new / energy) * direction, new
    return x


def coil_ring(
    channels: int, shape: tuple[int, int], fov_m: tuple[float, float], radius_m: float | None = None
) -> Complex[np.ndarray, "coil row column"]:
    """Sensitivities Bx - i By of loops evenly around the field of view (Biot-Savart), of unit mean sum of squares.

    radius_m: of the circle on which the loops stand, 0.75 of the larger side unless given. Noise is taken as white.
    """
    radius = radius_m if radius_m is not None else 0.75 * max(fov_m)
    row, column = ((np.arange(n) - n // 2) / n * fov for n, fov in zip(shape, fov_m, strict=True))
    y, x = (a.ravel() for a in np.meshgrid(row, column, indexing="ij"))
    points = np.stack([x, y, np.zeros_like(x)], axis=1)
    maps = []
    for angle in 2 * np.pi * np.arange(channels) / channels:
        normal = np.array([np.cos(angle), np.sin(angle), 0.0])
        field = loop_field(points, *loop_segments(radius * normal, normal, 1.1 * np.pi * radius / channels))
        maps.append((field[:, 0] - 1j * field[:, 1]).reshape(shape))
    coils = np.stack(maps)
    return np.asarray(coils / np.sqrt((np.abs(coils) ** 2).sum(axis=0).mean()))
