"""What the scanner feels of a transmit coil with a body in it: relative B1+ and the power that it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Complex

from fullbore.data import FieldMap, PowerModel
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.hardware.full_wave.observation_points import observation_points, worst_sar
from fullbore.hardware.full_wave.sar import MassCubes, local_matrices, mass_cubes
from fullbore.hardware.full_wave.solution import BodyFields, absorbed_W

_SLAB_M = 0.01
_AIR_CLIP = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransmitModel:
    """relative: B1+ of each channel over nominal, unit "1": driven with `drive`, its mean magnitude is 1 in the reference region.

    power: for `ScannerSpec.power`. drive: (channel,) nominal weights. reference_T_per_A: mean |B1+| of the region per ampere of
    drive. figures: name with unit -> value.
    """

    relative: FieldMap
    power: PowerModel
    drive: np.ndarray
    reference_T_per_A: float
    figures: dict[str, float]


def quadrature(fields: BodyFields) -> BodyFields:
    """One channel from a birdcage's two ports: the second lags by 90 degrees, so that the field turns with the spins (B0 along
    -z, as `hardware.receive` and `hardware.rf` have it).
    """
    return combined(fields, np.array([1, -1j]))


def combined(fields: BodyFields, drive: Complex[np.ndarray, " channel"]) -> BodyFields:
    """The fields of one channel that drives all others with these weights (peak phasors, exp(+i omega t))."""
    if drive.shape != (len(fields.magnetic),):
        raise ShapeError(f"combined: got {drive.shape} weights, wanted ({len(fields.magnetic)},).")
    return replace(
        fields,
        edge_current=np.tensordot(drive, fields.edge_current, axes=1)[None],
        edge_electric=np.tensordot(drive, fields.edge_electric, axes=1)[None],
        magnetic=np.tensordot(drive, fields.magnetic, axes=1)[None],
        iterations=(max(fields.iterations),),
        residuals=(max(fields.residuals),),
    )


def central_slab(fields: BodyFields) -> Bool[np.ndarray, "z y x"]:
    """Matter within a centimetre of the axial plane through the isocentre, or of the body's middle where it has none there."""
    matter, z = fields.body.matter, fields.body.grid.axis_positions_m(2)
    near = np.abs(z) <= _SLAB_M
    if not (matter & near[:, None, None]).any():
        held = z[matter.any(axis=(1, 2))]
        near = np.abs(z - held[len(held) // 2]) <= _SLAB_M
    return np.asarray(matter & near[:, None, None])


def phase_aligned(fields: BodyFields) -> Complex[np.ndarray, " channel"]:
    """Weights of size 1 that bring all channels' B1+ into phase at the isocentre (the voxel of the body nearest to it)."""
    places = fields.body.grid.points_m()
    distance = np.where(fields.body.matter, np.linalg.norm(places, axis=-1), np.inf)
    at_centre = fields.b1_plus.reshape(len(fields.magnetic), -1)[:, int(distance.argmin())]
    return np.asarray(np.exp(1j * np.angle(at_centre)))


def transmit_model(
    fields: BodyFields,
    drive: Complex[np.ndarray, " channel"],
    *,
    source: str,
    region: Bool[np.ndarray, "z y x"] | None = None,
    cubes: MassCubes | None = None,
    body_mass_kg: float = 75.0,
    coil_loss_share: float = 0.3,
    overestimate: float = 0.05,
) -> TransmitModel:
    """Adapter: (FieldMap transmit, PowerModel) of the channels of `fields`, nominal when driven with `drive`.

    relative holds conj(drive) * B1+ summed = 1 in the mean over `region` (default `central_slab`). body_mass_kg: of the whole
    patient, for the whole-body average (what the rest of the patient absorbs outside the lattice is not in it). coil_loss_share:
    of the power at the plug that the coil itself takes (a choice). The simulated body counts as the head.
    """
    region = central_slab(fields) if region is None else region
    driven = np.tensordot(drive.conj(), fields.b1_plus, axes=1)
    reference = _mean_T(driven, region)
    local = local_matrices(fields, mass_cubes(fields.body) if cubes is None else cubes)
    points = observation_points(local, overestimate)
    mass, peak = float(fields.body.mass_kg.sum()), float(worst_sar(local, drive))
    power = float((drive.conj() @ absorbed_W(fields) @ drive).real)
    figures = _figures(fields, driven, region, reference) | _absorption_figures(power, mass, peak, reference)
    return TransmitModel(
        relative=FieldMap(values=_bounded(fields, reference, driven), grid=fields.body.grid, unit="1"),
        power=PowerModel(
            whole_body_W_per_kg_per_T2=power / max(body_mass_kg, mass) / reference**2,
            head_W_per_kg_per_T2=power / mass / reference**2,
            source=source,
            exposed_mass_share=min(1.0, mass / max(body_mass_kg, mass)),
            local_factor=peak / (power / mass),
            observation_points=points / reference**2,
            forward_W_per_T2=power / reference**2 / (1 - coil_loss_share),
        ),
        drive=drive,
        reference_T_per_A=reference,
        figures=figures | {"observation_points": float(len(points))},
    )


def _mean_T(driven_T: np.ndarray, region: np.ndarray) -> float:
    """Of |B1+|. Errors: ValueRangeError where there is none."""
    mean = float(np.abs(driven_T[region]).mean())
    if not mean > 0:
        raise ValueRangeError("transmit_model: no B1+ in the reference region. Choose another drive or region.")
    return mean


def _absorption_figures(power_W: float, mass_kg: float, peak_W_per_kg: float, reference_T: float) -> dict[str, float]:
    """Of one ampere's absorbed power and worst local SAR."""
    return {
        "absorbed_W_per_uT2": power_W / reference_T**2 * 1e-12,
        "subject_sar_W_per_kg_per_uT2": power_W / mass_kg / reference_T**2 * 1e-12,
        "local_sar_10g_W_per_kg_per_uT2": peak_W_per_kg / reference_T**2 * 1e-12,
        "local_over_subject_sar": peak_W_per_kg / (power_W / mass_kg),
        "mass_kg": mass_kg,
    }


def _bounded(fields: BodyFields, reference: float, driven: np.ndarray) -> np.ndarray:
    """Relative maps; in air, near the wires, held to twice the greatest in matter."""
    values = fields.b1_plus / reference
    most = _AIR_CLIP * np.abs(values[:, fields.body.matter]).max()
    size = np.abs(values)
    return np.asarray(values * np.minimum(1, most / np.maximum(size, 1e-30)), np.complex64)


def _figures(fields: BodyFields, driven: np.ndarray, region: np.ndarray, reference: float) -> dict[str, float]:
    """How even the field is. Brightening: mean within 2 cm of the region's axis over the mean of its outer 1.5 cm."""
    size = np.abs(driven) / reference
    index = np.argwhere(region)
    middle = index.mean(axis=0)
    h = fields.body.spacing_m
    inner = region & (_from_axis(region.shape, middle) * h < 0.02)
    outer = region & ~_eroded(region, round(0.015 / h))
    return {
        "reference_uT_per_A": reference * 1e6,
        "variation_in_slab": float(size[region].std()),
        "central_brightening": float(size[inner].mean() / size[outer].mean()),
        "centre_over_mean": float(size[inner].mean()),
        "lowest_in_slab": float(size[region].min()),
        "highest_in_slab": float(size[region].max()),
    }


def _from_axis(shape: tuple[int, ...], middle: np.ndarray) -> np.ndarray:
    y, x = np.arange(shape[1])[:, None] - middle[1], np.arange(shape[2]) - middle[2]
    return np.broadcast_to(np.sqrt(y**2 + x**2), shape)


def _eroded(region: np.ndarray, steps: int) -> np.ndarray:
    """Voxels of each axial layer at least so many steps from air outside the layer's convex extent (holes do not count)."""
    from_left = np.maximum.accumulate(region, axis=2) & np.maximum.accumulate(region[:, :, ::-1], axis=2)[:, :, ::-1]
    filled = from_left & np.maximum.accumulate(region, axis=1) & np.maximum.accumulate(region[:, ::-1], axis=1)[:, ::-1]
    for _ in range(max(1, steps)):
        wide = np.pad(filled, ((0, 0), (1, 1), (1, 1)))
        filled = filled & wide[:, :-2, 1:-1] & wide[:, 2:, 1:-1] & wide[:, 1:-1, :-2] & wide[:, 1:-1, 2:]
    return np.asarray(filled)
