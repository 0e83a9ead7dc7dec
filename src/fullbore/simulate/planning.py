"""What a simulation will do, decided before it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int

from fullbore.data import FieldMap, Grid, Phantom, ScannerSpec, Sequence
from fullbore.errors import UsageError, ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.classes import ClassAxes
from fullbore.simulate.diffusion import Waveforms, cut_waveforms
from fullbore.simulate.encode import runs_along_read
from fullbore.simulate.fields import Bore, at_places
from fullbore.simulate.groups import Group, make_groups, slice_gradients, slice_profiles
from fullbore.simulate.lattice import Fineness, LatticeAxis, PhantomAxis, aligned_with, encoded_axis, phantom_axes
from fullbore.simulate.lines import unfold
from fullbore.simulate.nodes import chebyshev_nodes
from fullbore.simulate.slices import phantom_planes
from fullbore.simulate.timeline import Timeline, compile_timeline
from fullbore.simulate.tracks import Tracks
from fullbore.simulate.trajectory import positions_after_pulses, sample_positions

B1_NODES = 6
TABLE_FLOOR = 1e-3
RARE_PERCENT = 0.25
"""Off-resonance beyond these percentiles does not widen the planes that are simulated for a slice."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """Timeline, waveforms for diffusion, groups and lattice of one simulation.

    frame: (3, 3) rows read, phase, slice. k_per_m: nominal trajectory along them. half_width_Hz: (kind,) reach of each pulse.
    b1_nodes, off_resonance_nodes_Hz: of the classes of the whole. field_samples, b1_samples: (position along slice, value)
    of off-resonance (Hz) and transmit scale near tissue. notes: sentences for a person. direct: how many readouts run along no
    axis of the lattice, so that they are summed cell by cell. fineness: of space, with the tolerance.
    """

    phantom: Phantom
    timeline: Timeline
    waveforms: Waveforms
    frame: Float[np.ndarray, "3 3"]
    k_per_m: Tracks
    groups: tuple[Group, ...]
    source: tuple[PhantomAxis, PhantomAxis, PhantomAxis]
    read_axis: LatticeAxis
    phase_axis: LatticeAxis
    half_width_Hz: Float[np.ndarray, " kind"]
    field_samples: Float[np.ndarray, "n 2"]
    b1_samples: Float[np.ndarray, "m 2"]
    b1_nodes: Float[np.ndarray, " b"]
    off_resonance_nodes_Hz: Float[np.ndarray, " f"]
    slice_thickness_m: float
    selective: bool
    notes: tuple[str, ...]
    direct: int
    fineness: Fineness

    def slice_axis(self, group: Group) -> LatticeAxis | None:
        """The phantom's planes that a slice reaches, or the encoded axis of the whole volume; None where all is empty."""
        if group.extent_m is not None:
            return phantom_planes(self.source[2], group.extent_m)
        return encoded_axis(self.source[2], float(self.k_per_m.largest()[2]), self.fineness)

    def class_axes(self, z: LatticeAxis) -> ClassAxes:
        """Nodes of the classes of a group whose planes are `z`."""
        return ClassAxes(
            plane_m=z.points_m if self.selective else np.zeros(1),
            off_resonance_Hz=self._nodes(self.field_samples, z, self.off_resonance_nodes_Hz),
            b1_scale=self._nodes(self.b1_samples, z, self.b1_nodes),
        )

    def _nodes(
        self, samples: Float[np.ndarray, "n 2"], z: LatticeAxis, whole: Float[np.ndarray, " m"]
    ) -> Float[np.ndarray, " k"]:
        """Nodes over what a field does between the planes: as dense as those over the whole, at least three."""
        reach = 2 * float(np.diff(np.unique(np.round(samples[:, 0], 6))).min(initial=0.01))
        inside = (samples[:, 0] > z.points_m.min() - reach) & (samples[:, 0] < z.points_m.max() + reach)
        if not inside.any() or len(whole) < 3:
            return whole
        low, high = float(samples[inside, 1].min()), float(samples[inside, 1].max())
        share = (high - low) / max(float(np.ptp(whole)), 1e-12)
        return chebyshev_nodes(int(np.clip(np.ceil(2 + (len(whole) - 2) * share), 3, len(whole))), low, high)


def plan(phantom: Phantom, sequence: Sequence, spec: ScannerSpec, tolerance: float = 1e-3) -> Plan:
    """Decide groups, lattice and classes for a relative l2 error of about `tolerance`.

    Errors: UsageError, ValueRangeError and LimitError for inputs that cannot be simulated, each naming its culprit.
    """
    _refuse(phantom, spec)
    phantom = _in_magnet(phantom, spec)
    timeline = compile_timeline(sequence, Bore(rf_amplifier=spec.flaws.rf_amplifier))
    _check_readouts(sequence, timeline)
    geometry = sequence.encoding.geometry
    frame = np.stack([geometry.read, geometry.phase, geometry.slice]).astype(np.float64)
    aligned = aligned_with(phantom, frame)
    k = sample_positions(timeline, positions_after_pulses(timeline)).turned(frame)
    k_max = k.largest()
    field_samples, b1_samples, spread_Hz = _fields_met(phantom, spec, frame[2])
    b1_nodes = _b1_nodes(b1_samples[:, 1])
    gradient = slice_gradients(timeline, frame)
    profiles = slice_profiles(timeline, gradient, float(b1_nodes.max()))
    groups = make_groups(sequence, timeline, gradient, profiles, spread_Hz)
    source, fineness = phantom_axes(aligned, frame), Fineness(tolerance)
    direct = sum(len(group.rows) for group in groups if not runs_along_read(k.taken(group.rows)))
    return Plan(
        phantom=aligned,
        timeline=timeline,
        waveforms=cut_waveforms(sequence, timeline, _diffuses(phantom)),
        frame=frame,
        k_per_m=k,
        groups=tuple(groups),
        source=source,
        read_axis=encoded_axis(source[0], float(k_max[0]), fineness),
        phase_axis=encoded_axis(source[1], float(k_max[1]), fineness),
        half_width_Hz=np.array([found.half_width_Hz(TABLE_FLOOR) if found else 0.0 for found in profiles]),
        field_samples=field_samples,
        b1_samples=b1_samples,
        b1_nodes=b1_nodes,
        off_resonance_nodes_Hz=_off_resonance_nodes(timeline, field_samples[:, 1]),
        slice_thickness_m=geometry.fov_m[2],
        selective=bool((gradient != 0).any()),
        notes=tuple(_notes(direct)),
        direct=direct,
        fineness=fineness,
    )


def _diffuses(phantom: Phantom) -> bool:
    return any(np.any(tensor) for tissue in phantom.tissues for _, tensor in tissue.diffusion)


def _refuse(phantom: Phantom, spec: ScannerSpec) -> None:
    """Refuse what cannot be simulated at all, and what states do not know."""
    check_inputs(phantom, spec)
    if phantom.motion is not None or phantom.flows:
        what = "moves" if phantom.motion is not None else f"has {len(phantom.flows)} flow(s)"
        raise UsageError(f"Phantom {phantom.name}: it {what}, and states know bodies at rest. Play spins.")
    _check_flaws(spec)
    _check_tissues(phantom)


def _fields_met(
    phantom: Phantom, spec: ScannerSpec, direction: Float[np.ndarray, " 3"]
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "m 2"], float]:
    """(position, off-resonance in Hz) and (position, transmit scale) near tissue, and how far off resonance spins usually are."""
    to_Hz = 1e-6 * spec.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T
    held = np.asarray(phantom.fractions.any(axis=0))
    field = _values_near(held, phantom.grid, phantom.field_ppm, phantom.field_ppm.values[0] * to_Hz, direction)
    b1 = _values_near(held, phantom.grid, spec.transmit, np.abs(spec.transmit.values[0]), direction)
    shift_Hz = max(abs(line.tissue.chemical_shift_ppm) for line in unfold(phantom.tissues)) * to_Hz
    usual = float(np.abs(np.percentile(field[:, 1], [RARE_PERCENT, 100 - RARE_PERCENT])).max())
    return field, b1, usual + shift_Hz


def _check_flaws(spec: ScannerSpec) -> None:
    """Configuration states know a machine's static field, its RF amplifier and its receiver; gradients play as asked."""
    flaws = spec.flaws
    for name, on in (
        ("drift_Hz_per_s", flaws.drift_Hz_per_s), ("gradient_fields_m", flaws.gradient_fields_m), ("response", flaws.response),
        ("concomitant", flaws.concomitant),
    ):  # fmt: skip
        if on:
            raise UsageError(f"Flaws.{name}: states follow gradients as they were asked for. Play spins, or leave this flaw out.")
    if len(spec.transmit.values) > 1:
        raise UsageError(f"{spec.name}: {len(spec.transmit.values)} transmit channels, and states know one. Play spins.")


def _check_tissues(phantom: Phantom) -> None:
    """Configuration states know relaxation, species and diffusion, which stay as they are."""
    for tissue in phantom.tissues:
        if tissue.pools:
            raise UsageError(f"Tissue {tissue.name}, pools: states do not exchange. Play spins, or leave the pools out.")
        if tissue.t1rho_s is not None:
            raise UsageError(f"Tissue {tissue.name}, t1rho_s: states relax with T1 and T2 only. Play spins, or leave T1rho out.")
    for course in phantom.courses:
        raise UsageError(f"Phantom {phantom.name}, course of {course.tissue}: states do not change in time. Play spins.")


def _in_magnet(phantom: Phantom, spec: ScannerSpec) -> Phantom:
    """The phantom's field with the magnet's own inhomogeneity."""
    own, magnet = phantom.field_ppm, spec.flaws.field_ppm
    if magnet is None:
        return phantom
    grid = own.grid if own.grid.points_m().size >= magnet.grid.points_m().size else magnet.grid
    places = grid.points_m().reshape(-1, 3)
    both = at_places(own, places).real + at_places(magnet, places).real
    return replace(phantom, field_ppm=FieldMap(values=both.reshape(1, *grid.shape), grid=grid, unit="ppm"))


def _check_readouts(sequence: Sequence, timeline: Timeline) -> None:
    """Configuration states are read along readouts of one length, all after a pulse that all channels play alike."""
    if timeline.last_pulse.min() < 0:
        row = int(timeline.last_pulse.argmin())
        raise UsageError(f"Sequence {sequence.name}: readout {row} comes before the first RF pulse. Play spins, or excite first.")
    if (timeline.samples != timeline.samples[0]).any() or np.ptp(timeline.dwell_s) > 0:
        got = sorted(set(timeline.samples.tolist()))
        raise UsageError(f"Sequence {sequence.name}: readouts of {got} samples, wanted one length and dwell. Play spins.")
    if (timeline.shim >= 0).any():
        raise UsageError(f"Sequence {sequence.name}: RF shims need several transmit channels. Play spins.")


def _b1_nodes(scale: Float[np.ndarray, " n"]) -> Float[np.ndarray, " b"]:
    """Nodes over the transmit scale near tissue and a little more; one where it is flat."""
    pad = 0.02 * float(np.ptp(scale)) + 1e-3
    low, high = max(float(scale.min()) - pad, 0.0), float(scale.max()) + pad
    return chebyshev_nodes(B1_NODES, low, high) if high - low > 3e-3 else np.array([0.5 * (low + high)])


def _off_resonance_nodes(timeline: Timeline, field_Hz: Float[np.ndarray, " n"]) -> Float[np.ndarray, " f"]:
    """Nodes over off-resonance near tissue, denser the further it turns spins during the longest pulse."""
    low, high = float(field_Hz.min()), float(field_Hz.max())
    longest = max((kind.duration_s for kind in timeline.kinds if kind.use in "er"), default=1e-3)
    return chebyshev_nodes(int(np.clip(4 + np.ceil(3 * (high - low) * longest), 5, 13)) if high > low else 1, low, high)


def _notes(direct: int) -> Iterator[str]:
    if direct:
        yield f"{direct} readouts do not run along one axis of the lattice: their samples are summed cell by cell, which is slow"


def check_inputs(phantom: Phantom, spec: ScannerSpec) -> None:
    """Refuse what is not a number; the nouns have checked the rest."""
    if not np.isfinite(phantom.fractions).all():
        raise ValueRangeError(
            f"Phantom {phantom.name}, fractions: NaN or infinity. Fill them with zero where there is no tissue."
        )
    for tissue in phantom.tissues:
        values = (tissue.t1_s, tissue.t2_s, tissue.t2_prime_s, tissue.proton_density, tissue.chemical_shift_ppm)
        if np.isnan(values).any() or not np.isfinite(values[3:]).all():
            raise ValueRangeError(f"Tissue {tissue.name}: {values} holds NaN or infinity. Give it finite values.")


def _values_near(
    held: Bool[np.ndarray, "z1 y1 x1"],
    grid: Grid,
    field: FieldMap,
    values: Float[np.ndarray, "z y x"],
    direction: Float[np.ndarray, " 3"],
) -> Float[np.ndarray, "n 2"]:
    """(position along `direction`, value) of the field's points within one step of tissue (`held` on `grid`); else of all.

    One of them where the field is the same everywhere."""
    if np.ptp(values) == 0:
        return np.array([[float(field.grid.affine_m[:3, 3] @ direction), float(values[0, 0, 0])]])
    points, near = field.grid.points_m(), near_tissue(held, grid, field.grid)
    chosen = near if near.any() else np.ones_like(near)
    return np.asarray(np.column_stack([points[chosen] @ direction, values[chosen]]).astype(np.float64))


def near_tissue(held: Bool[np.ndarray, "z1 y1 x1"], grid: Grid, of: Grid) -> Bool[np.ndarray, "z y x"]:
    """Which points of the grid `of` lie within one of its steps of tissue (`held` on `grid`)."""
    to_index = np.linalg.inv(grid.affine_m)
    index = np.round(of.points_m() @ to_index[:3, :3].T + to_index[:3, 3]).astype(int)
    reach = np.maximum(np.ceil(of.spacing_m / grid.spacing_m).astype(int), 1)
    return _near(held, index, reach)


def _near(
    held: Bool[np.ndarray, "z y x"], index: Int[np.ndarray, "z2 y2 x2 3"], reach: Int[np.ndarray, " 3"]
) -> Bool[np.ndarray, "z2 y2 x2"]:
    """Whether any tissue lies within `reach` phantom voxels (x, y, z) of each index (x, y, z): counted in corners of sums."""
    total = np.pad(held.astype(np.int32).cumsum(0).cumsum(1).cumsum(2), ((1, 0),) * 3)
    size = np.array(held.shape[::-1])
    bounds = np.clip(index - reach, 0, size), np.clip(index + reach + 1, 0, size)
    count = np.zeros(index.shape[:-1], np.int64)
    for corner in product((0, 1), repeat=3):
        x, y, z = (bounds[side][..., axis] for axis, side in enumerate(corner))
        count += (-1) ** (3 - sum(corner)) * total[z, y, x]
    return count > 0
