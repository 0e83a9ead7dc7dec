"""Run a sequence on a phantom in a scanner: spins to raw data."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from jaxtyping import Complex64, Float

from fullbore.data import Phantom, RawData, ScannerSpec, Sequence
from fullbore.simulate.cell_kernel import class_mass, fill_cells
from fullbore.simulate.compression import SlotModel, fine_axes, model_slot, slot_energy
from fullbore.simulate.encode import (
    FEW_PARTITIONS, fourier_matrix, separate, slab_nodes, sum_directly, sum_lines, sum_reads, sum_slices, sum_thin_slab,
)  # fmt: skip
from fullbore.simulate.groups import Group
from fullbore.simulate.lattice import Lattice, place, sample_field
from fullbore.simulate.noise import add_noise, mixing_matrix, noise_scan
from fullbore.simulate.planning import Plan, plan
from fullbore.simulate.responses import ClassAxes, PulseBank, Slot, make_schedule, run_group, run_tissue

Progress = Callable[[float, str], None]
THREADS = 2
BLOCK_CELLS = 700_000
PRUNE = 0.2


def acquire(
    phantom: Phantom,
    sequence: Sequence,
    spec: ScannerSpec,
    *,
    seed: int = 0,
    tolerance: float = 1e-3,
    progress: Progress | None = None,
) -> RawData:
    """Raw data of `sequence` on `phantom` in `spec`, with noise.

    Signal = sum over the phantom of proton density * volume * sensitivity * magnetisation (1 at equilibrium).
    tolerance: relative l2 error allowed to the noiseless samples. seed: of the noise.
    Errors: UsageError, ValueRangeError, LimitError for what cannot be simulated.
    """
    report = progress or (lambda fraction, what: None)
    report(0.0, "planning")
    planned = plan(phantom, sequence, spec)
    samples = noiseless(planned, sequence, spec, tolerance=tolerance, progress=lambda f, what: report(0.97 * f, what))
    report(0.97, "noise")
    dwell = sequence.encoding.dwell_s
    mixing = mixing_matrix(spec.receive.noise_covariance, dwell)
    add_noise(samples, mixing, seed)
    report(1.0, "done")
    return RawData(
        encoding=sequence.encoding,
        samples=samples,
        b0_T=spec.b0_T,
        noise=noise_scan(mixing, seed),
        noise_dwell_s=dwell,
        trajectory_per_m=planned.nominal_per_m,
        coil_name=spec.receive.name,
        system=spec.name,
        provenance={"simulator": "configuration states on classes", "phantom": phantom.name, "seed": str(seed)},
    )


def noiseless(
    planned: Plan, sequence: Sequence, spec: ScannerSpec, *, tolerance: float, progress: Progress
) -> Complex64[np.ndarray, "row coil sample"]:
    """Samples without noise, ADC phase included."""
    timeline = planned.timeline
    samples = np.zeros((len(timeline.last_pulse), spec.receive.coils, sequence.encoding.samples), np.complex64)
    bank = PulseBank(timeline, planned.frame[2], planned.half_width_Hz)
    for number, group in enumerate(planned.groups):
        share = 1 / len(planned.groups)
        step = partial(_within, progress, number * share, share, group.name)
        _acquire_group(planned, group, bank, sequence, spec, tolerance, samples, step)
    samples *= np.exp(1j * timeline.adc_phase_rad).astype(np.complex64)[:, None, None]
    return samples


def _within(progress: Progress, start: float, share: float, name: str, fraction: float, what: str) -> None:
    progress(start + share * fraction, f"{name}: {what}")


def _acquire_group(
    planned: Plan,
    group: Group,
    bank: PulseBank,
    sequence: Sequence,
    spec: ScannerSpec,
    tolerance: float,
    samples: Complex64[np.ndarray, "row coil sample"],
    progress: Progress,
) -> None:
    progress(0.0, "placing tissues")
    z = planned.slice_axis(group)
    lattice = place(
        planned.phantom, planned.frame, planned.source, (planned.read_axis, planned.phase_axis, z), spec.transmit, spec.b0_T
    )
    if not lattice.fractions.any():
        return
    progress(0.02, "spins through the pulses")
    axes = planned.class_axes(z)
    slots = _responses(planned, group, lattice, bank, axes, spec.b0_T, tolerance)
    if not slots:
        return
    progress(0.25, "compressing responses")
    dwell = sequence.encoding.dwell_s
    fine = fine_axes(axes, 0.5 * dwell * sequence.encoding.samples + 1e-4, 0.2 * tolerance)
    tissues = planned.phantom.tissues
    mass = _mass(lattice, fine, np.array([t.proton_density for t in tissues]), planned.selective)
    strongest = slot_energy(slots[0], mass)
    models = [
        model
        for slot in slots
        if (model := model_slot(slot, tissues, axes, fine, mass, samples.shape[2], dwell, spec.b0_T, tolerance, strongest))
    ]
    encoder = _Encoder(planned, group, lattice, fine, models, spec, samples, tolerance)
    encoder.run(lambda f, what: progress(0.3 + 0.7 * f, what))


def _responses(
    planned: Plan, group: Group, lattice: Lattice, bank: PulseBank, axes: ClassAxes, b0_T: float, tolerance: float
) -> list[Slot]:
    cut = np.array([lattice.x.cut_per_m, lattice.y.cut_per_m, lattice.z.cut_per_m])
    schedule = make_schedule(planned.timeline, planned.nominal_per_m, planned.frame, group.pulses, group.rows, cut)
    present = [bool(fraction.any()) for fraction in lattice.fractions]
    run = partial(_run, planned, schedule, bank, axes, b0_T, PRUNE * tolerance)
    return run_group(planned.phantom.tissues, present, run, schedule, axes, THREADS)[0]


def _run(planned, schedule, bank, axes, b0_T, prune, tissue):  # type: ignore[no-untyped-def]
    return run_tissue(planned.timeline, schedule, planned.frame, bank, tissue, axes, b0_T, prune)


def _mass(
    lattice: Lattice, fine: ClassAxes, density: Float[np.ndarray, " tissue"], selective: bool, x: slice = slice(None)
) -> Float[np.ndarray, "tissue plane f b"]:
    mass = np.zeros((len(density), *fine.shape))
    class_mass(
        lattice.fractions[..., x], density, lattice.b1_scale[..., x], lattice.off_resonance_Hz[..., x], selective,
        *_even(fine.off_resonance_Hz), *_even(fine.b1_scale), mass,
    )  # fmt: skip
    return mass


def _even(axis: Float[np.ndarray, " n"]) -> tuple[float, float]:
    return float(axis[0]), max(float(axis[-1] - axis[0]) / max(len(axis) - 1, 1), 1e-12)


class _Encoder:
    """Carries one group's models through space, block by block along read."""

    def __init__(self, planned, group, lattice, fine, models, spec, samples, tolerance):  # type: ignore[no-untyped-def]
        self.planned, self.group, self.lattice, self.fine = planned, group, lattice, fine
        self.models: list[SlotModel] = models
        self.spec, self.samples, self.tolerance = spec, samples, tolerance
        self.density = np.array([t.proton_density for t in planned.phantom.tissues])
        self.k = [
            (planned.nominal_per_m[group.rows[m.slot.rows]] @ planned.frame.T) + m.slot.shift_per_m for m in self.models
        ]
        self.plans = [separate(k) for k in self.k]

    def run(self, progress: Progress) -> None:
        """All blocks."""
        depth, height, width = self.lattice.b1_scale.shape
        thin = all(p is not None and len(p.k_slice_per_m) <= FEW_PARTITIONS for p in self.plans)
        blocks = 1 if thin else max(1, round(depth * height * width / BLOCK_CELLS))
        edges = np.linspace(0, width, blocks + 1).astype(int)
        for number, (first, last) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
            progress(number / blocks, "encoding")
            self._block(slice(int(first), int(last)), thin)

    def _block(self, x: slice, thin: bool) -> None:
        mass = _mass(self.lattice, self.fine, self.density, self.planned.selective, x)
        energies = [model.energy(mass) for model in self.models]
        allowed = (0.5 * self.tolerance) ** 2 * sum(energies) / max(len(energies), 1)
        if sum(energies) == 0:
            return
        block_axis = _part(self.lattice.x, x)
        axes = (block_axis, self.lattice.y, self.lattice.z)
        if thin:
            nodes, weights = slab_nodes(self.lattice.z)
            z_nodes = _at(self.lattice.z, nodes)
            sensitivity = sample_field(self.spec.receive.sensitivity, self.planned.frame, (block_axis, self.lattice.y, z_nodes))
        else:
            weights = None
            sensitivity = sample_field(self.spec.receive.sensitivity, self.planned.frame, axes)
        for model, split, k in zip(self.models, self.plans, self.k, strict=True):
            table, pattern = model.components(mass, allowed)
            if not len(pattern):
                continue
            cells = self._cells(table, model.middle_s, x)
            rows_out = self.group.rows[model.slot.rows]
            if split is None:
                sum_directly(cells, sensitivity, axes, k, pattern, model.sample, self.samples, rows_out)
                continue
            matrix = fourier_matrix(split.k_slice_per_m, self.lattice.z)
            lines = np.empty((len(rows_out), sensitivity.shape[0], len(pattern), block_axis.points_m.size), np.complex64)
            for number, cell in enumerate(cells):
                slab = (
                    sum_slices(cell, sensitivity, matrix)
                    if weights is None
                    else sum_thin_slab(cell, sensitivity, weights, matrix)
                )
                sum_lines(slab, split, self.lattice.y, lines[:, :, number])
            combs = {i: fourier_matrix(comb.k_read_per_m, block_axis) for i, comb in enumerate(split.combs)}
            sum_reads(lines, pattern, model.sample, split, combs, self.samples, rows_out)

    def _cells(self, table: Complex64[np.ndarray, "tissue plane f b k"], middle_s: float, x: slice) -> Complex64[np.ndarray, "k z y x"]:
        part = self.lattice
        fractions = part.fractions[..., x]
        out = np.empty((table.shape[-1], *fractions.shape[1:]), np.complex64)
        depth = fractions.shape[1]
        work = partial(
            fill_cells, fractions, self.density * part.cell_volume_m3 * 1e9, part.b1_scale[..., x], part.b1_phase_rad[..., x],
            part.off_resonance_Hz[..., x], self.planned.selective, *_even(self.fine.off_resonance_Hz), *_even(self.fine.b1_scale), middle_s, table,
        )  # fmt: skip
        chunks = np.linspace(0, depth, 4 * THREADS + 1).astype(int)
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda c: work(np.array(c), out), zip(chunks[:-1], chunks[1:], strict=True)))
        out *= np.float32(1e-9)
        return out


def _part(axis, x):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(axis, points_m=axis.points_m[x], weights=None)


def _at(axis, points):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(axis, points_m=points, weights=None)
