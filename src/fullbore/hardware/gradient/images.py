"""What a cryostat's bore answers to wires: the field of the image currents in a long perfectly conducting cylinder."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float
from scipy.special import ive

from fullbore.errors import ValueRangeError
from fullbore.hardware.gradient.sheet import bessel_slopes, wave_grid
from fullbore.physics.constants import VACUUM_PERMEABILITY_N_PER_A2 as MU0
from fullbore.physics.straight_wires import track_pieces

# Beyond these, images reach the imaging volume with less than 1e-6 of what the first ones do.
ALL_ORDERS = (0, 1, 2, 3, 4, 5)
_LIMIT_PER_M, _PANEL_PER_M = 48.0, 6.0
_GAUSS = 0.5 / np.sqrt(3)
# Bessel functions are taken at radii rounded to this: their relative error is below k times half of it.
_RADIUS_STEP_M = 1e-4


def image_field(
    points_m: Float[np.ndarray, "p 3"], paths: list[np.ndarray], bore_m: float, orders: tuple[int, ...] = ALL_ORDERS
) -> Float[np.ndarray, " p"]:
    """Bz (T) at the points of the currents that 1 A along closed paths induces in the bore, at once and unresisted.

    The wave (m, k) of the image's stream function is what keeps the bore's flux: by reciprocity the path integral of the vector
    potential of that wave, taken without a z component. The same for any closed wires within the bore.
    orders: which azimuthal orders the wires have.
    Errors: ValueRangeError for a wire that is not within it.
    """
    begins, ends = track_pieces([np.concatenate([path, path[:1]]) for path in paths])
    steps = ends - begins
    places = np.concatenate([(begins + ends) / 2 + sign * _GAUSS * steps for sign in (-1, 1)])
    return element_image_rows(points_m, places, np.concatenate([steps, steps])[..., None] / 2, bore_m, orders)[:, 0]


def element_image_rows(
    points_m: Float[np.ndarray, "p 3"],
    places_m: Float[np.ndarray, "e 3"],
    elements_A_m: Float[np.ndarray, "e 3 n"],
    bore_m: float,
    orders: tuple[int, ...] = ALL_ORDERS,
) -> Float[np.ndarray, "p n"]:
    """The same of n currents, each a sum of elements (current times step) that close upon each other. Errors: as
    `image_field`."""
    k, weights = wave_grid(_LIMIT_PER_M, _PANEL_PER_M)
    waves = _waves(k, places_m, elements_A_m, bore_m, orders)
    r, phi = np.hypot(points_m[:, 0], points_m[:, 1]), np.arctan2(points_m[:, 1], points_m[:, 0])
    along = np.exp(1j * np.outer(points_m[:, 2], k))
    field = np.zeros((len(points_m), elements_A_m.shape[2]))
    for m, wave in waves.items():
        order = abs(m)
        radial = ive(order, np.outer(r, k)) * np.exp(-np.outer(bore_m - r, k))
        source = wave * (-1j * MU0 * bore_m * k**2 * bessel_slopes(order, k * bore_m)[1] * weights)[:, None]
        field += 2 / (4 * np.pi**2) * np.real(np.exp(1j * m * phi)[:, None] * ((along * radial) @ source))
    return field


def _waves(
    k: np.ndarray, places: np.ndarray, steps: np.ndarray, bore: float, orders: tuple[int, ...]
) -> dict[int, Complex[np.ndarray, "k n"]]:
    """Order -> transforms of the images' stream functions (A m)."""
    # on the axis itself a direction is as good as another
    r = np.maximum(np.hypot(places[:, 0], places[:, 1]), _RADIUS_STEP_M)
    if not r.max() < bore:
        raise ValueRangeError(f"image field: a wire lies at {r.max():.4g} m, wanted within the bore of {bore:.4g} m.")
    phi = np.arctan2(places[:, 1], places[:, 0])
    cosine, sine = np.cos(phi)[:, None], np.sin(phi)[:, None]
    outward, around = cosine * steps[:, 0] + sine * steps[:, 1], cosine * steps[:, 1] - sine * steps[:, 0]
    radii, which = np.unique(np.round(r / _RADIUS_STEP_M), return_inverse=True)
    along = np.exp(-1j * np.outer(k, places[:, 2]))
    found = {}
    for order in orders:
        x = np.outer(k, radii * _RADIUS_STEP_M)
        grown = np.exp(x - (k * bore)[:, None])
        slope, value = bessel_slopes(order, x)[0] * grown, ive(order, x) / x * grown
        scale = 1 / (bore * k * bessel_slopes(order, k * bore)[0])
        first, second = along * slope[:, which], along * value[:, which]
        for m in {order, -order}:
            turn = np.exp(-1j * m * phi)
            found[m] = scale[:, None] * (1j * (first * turn) @ around - m * ((second * turn) @ outward))
    return found
