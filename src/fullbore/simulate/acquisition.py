"""Configuration states on classes: a planned sequence, played group by group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache, partial

import numpy as np
from jaxtyping import Complex64, Float, Int
from threadpoolctl import ThreadpoolController

from fullbore.data import FieldMap, ScannerSpec, Sequence
from fullbore.simulate.cell_kernel import turn_rows
from fullbore.simulate.classes import ClassAxes, PulseBank
from fullbore.simulate.coils import Coils, combined
from fullbore.simulate.compression import SlotModel, decayed_energy, fine_axes, model_slot, slot_energy
from fullbore.simulate.diffusion import mean_tensor, within_readout
from fullbore.simulate.encode import separate
from fullbore.simulate.groups import Group
from fullbore.simulate.lattice import Lattice, place
from fullbore.simulate.lines import unfold
from fullbore.simulate.planning import Plan, near_tissue
from fullbore.simulate.receiving import Progress, Run
from fullbore.simulate.responses import Experiment, run_tissue
from fullbore.simulate.schedule import make_schedule
from fullbore.simulate.slices import fine_planes, onto_planes
from fullbore.simulate.slots import Slot, gather_slots
from fullbore.simulate.space import Scene, carry, carry_directly

THREADS = 2
PRUNE = 0.2
SHORT_S = 1e-4
"""Time over which off-resonance still turns class tables when readouts take it as a shift: RF pulses only."""


class StatesRun(Run):
    """Configuration states on classes, planned and ready to play; a slice is complete at once, a volume only at its end."""

    def __init__(self, planned: Plan, sequence: Sequence, spec: ScannerSpec):
        self._planned, self._sequence, self._spec = planned, sequence, spec
        self.samples = np.zeros((sequence.encoding.rows, spec.receive.coils, sequence.encoding.samples), np.complex64)
        self.how = {"simulator": "configuration states on classes", "phantom": planned.phantom.name}

    def pieces(self, progress: Progress) -> Iterator[Int[np.ndarray, " row"]]:
        """Group by group."""
        phase = self._planned.timeline.receiver_phase_rad
        turn = np.exp(1j * phase[:, 0]).astype(np.complex64) if phase.shape[1] == 1 else None
        for rows in run_groups(self._planned, self._sequence, self._spec, self.samples, progress, turn):
            if turn is None:
                turn_rows(self.samples, phase, rows)
            yield rows


def run_groups(
    planned: Plan,
    sequence: Sequence,
    spec: ScannerSpec,
    samples: Complex64[np.ndarray, "row coil sample"],
    progress: Progress,
    turn: Complex64[np.ndarray, " row"] | None = None,
) -> Iterator[Int[np.ndarray, " row"]]:
    """Add the samples, without noise and ADC phase, to `samples` (zeros); yields the readouts that are complete.

    turn: factor of each readout.

    The linear algebra library runs on one thread in each of ours: its own threads wait for each other at every small
    product, and its sums would depend on their number.
    """
    turn = np.ones(len(samples), np.complex64) if turn is None else turn
    bank = PulseBank(planned.timeline, planned.frame[2], planned.half_width_Hz)
    share = 1 / len(planned.groups)
    with one_thread_each(), ThreadPoolExecutor(THREADS) as pool:
        coils = _coils(planned, spec.receive.sensitivity)
        for number, group in enumerate(planned.groups):
            step = partial(_within, progress, number * share, share, group.name)
            _acquire_group(planned, group, bank, coils, sequence, spec, samples, turn, pool, step)
            yield group.rows


def one_thread_each() -> AbstractContextManager[object]:
    """Within it the linear algebra library runs on one thread in each of ours."""
    return _libraries().limit(limits=1, user_api="blas")


@cache
def _libraries() -> ThreadpoolController:
    """The libraries that are loaded, looked for once: that takes as long as a short scan's planning."""
    return ThreadpoolController()


def _coils(planned: Plan, sensitivity: FieldMap) -> Coils:
    phantom = planned.phantom
    near = near_tissue(np.asarray(phantom.fractions.any(axis=0)), phantom.grid, sensitivity.grid)
    return combined(sensitivity, near, planned.fineness.tolerance)


def _within(progress: Progress, start: float, share: float, name: str, fraction: float, what: str) -> None:
    progress(start + share * fraction, f"{name}: {what}")


def _acquire_group(
    planned: Plan,
    group: Group,
    bank: PulseBank,
    coils: Coils,
    sequence: Sequence,
    spec: ScannerSpec,
    samples: Complex64[np.ndarray, "row coil sample"],
    turn: Complex64[np.ndarray, " row"],
    pool: Executor,
    progress: Progress,
) -> None:
    progress(0.0, "placing tissues")
    z = planned.slice_axis(group)
    if z is None:
        return
    lattice = place(
        planned.phantom, planned.frame, planned.source, (planned.read_axis, planned.phase_axis, z), spec.transmit, spec.b0_T
    )
    if not lattice.fractions.any():
        return
    progress(0.02, "spins through the pulses")
    axes, tolerance = planned.class_axes(z), planned.fineness.tolerance
    slots = _slots(planned, group, lattice, bank, axes, spec.b0_T)
    if not slots:
        return
    progress(0.25, "compressing responses")
    seen = [_View(slot, planned, group, sequence.encoding.dwell_s) for slot in slots]
    readout_s = sequence.encoding.dwell_s * sequence.encoding.samples
    scene = Scene(
        lattice=lattice,
        density=np.array([tissue.proton_density for tissue in planned.phantom.tissues]),
        lines=unfold(planned.phantom.tissues),
        sensitivity=coils.sensitivity,
        mix=coils.mix,
        fine=fine_axes(axes, SHORT_S if all(view.shifted for view in seen) else 0.5 * readout_s, 0.2 * tolerance),
        plane_wise=planned.selective,
        tolerance=tolerance,
        pool=pool,
    )
    pairs = _model(scene, seen, axes, planned, sequence, spec.b0_T)
    progress(0.3, "encoding")
    _carry_all(scene, pairs, samples, turn, lambda f: progress(0.3 + 0.7 * f, "encoding"))


class _View:
    """A slot and how its readouts lie in k-space."""

    def __init__(self, slot: Slot, planned: Plan, group: Group, dwell_s: float):
        self.slot = slot
        self.rows = group.rows[slot.rows]
        self.k_per_m = planned.k_per_m.taken(self.rows).moved(slot.shift_per_m)
        self.combs = separate(self.k_per_m, dwell_s)
        self.shifted = self.combs is not None and all(comb.shift_m_per_Hz for comb in self.combs)

    def diffused(self, tensors_m2_per_s: list[Float[np.ndarray, "3 3"]], dwell_s: float) -> Float[np.ndarray, "tissue sample"]:
        """What diffusion takes from the logarithm of the signal from the middle sample on, along the readout with most signal.

        Readouts further out in k lose up to D (2 pi k)^2 times half the readout more or less: 1e-4 of what little they hold.
        """
        middle = self.k_per_m.at(self.k_per_m.samples // 2)
        nearest = self.k_per_m.row(int((middle**2).sum(axis=1).argmin()))
        return np.stack([within_readout(nearest, dwell_s, tensor) for tensor in tensors_m2_per_s])


def _model(
    scene: Scene, seen: list[_View], axes: ClassAxes, planned: Plan, sequence: Sequence, b0_T: float
) -> list[tuple[_View, SlotModel]]:
    """Models of the slots that matter."""
    mass = scene.mass()
    samples, dwell = sequence.encoding.samples, sequence.encoding.dwell_s
    tissues = tuple(line.tissue for line in scene.lines)
    strongest = max(slot_energy(view.slot, mass, decayed_energy(view.slot, tissues, samples * dwell)) for view in seen)
    tensors = [mean_tensor(planned.frame, tissue) for tissue in tissues]
    pairs = []
    for view in seen:
        model = model_slot(
            view.slot,
            tissues,
            view.diffused(tensors, dwell),
            axes,
            scene.fine,
            mass,
            samples,
            dwell,
            b0_T,
            scene.tolerance,
            strongest,
            view.shifted,
        )
        if model is not None:
            pairs.append((view, model))
    return pairs


def _carry_all(
    scene: Scene,
    pairs: list[tuple[_View, SlotModel]],
    samples: Complex64[np.ndarray, "row coil sample"],
    turn: Complex64[np.ndarray, " row"],
    progress: Callable[[float], None],
) -> None:
    models = [model for _, model in pairs]
    total = sum(len(view.rows) for view, _ in pairs)
    done = 0
    for view, model in pairs:
        if view.combs is None:
            carry_directly(scene, model, view.k_per_m, samples, view.rows, turn[view.rows])
            done += len(view.rows)
            continue
        for comb in view.combs:
            step = partial(_within_rows, progress, done, len(comb.rows), total)
            carry(scene, model, comb, models, samples, view.rows, turn[view.rows], step)
            done += len(comb.rows)


def _within_rows(progress: Callable[[float], None], done: int, rows: int, total: int, fraction: float) -> None:
    progress((done + fraction * rows) / total)


def _slots(planned: Plan, group: Group, lattice: Lattice, bank: PulseBank, axes: ClassAxes, b0_T: float) -> list[Slot]:
    """Responses on the lattice's planes; those of a slice are made on finer ones."""
    if group.extent_m is None:
        return _responses(planned, group, lattice, bank, axes, b0_T)
    widest = planned.slice_thickness_m / planned.fineness.planes_per_slice
    fine = replace(axes, plane_m=fine_planes(lattice.z, group.extent_m, widest))
    cut = replace(lattice, z=replace(lattice.z, cut_per_m=0.5 / min(widest, lattice.z.spacing_m)))
    slots = _responses(planned, group, cut, bank, fine, b0_T)
    kept = []
    while slots:  # one at a time: the fine planes take much memory
        slot = slots.pop(0)
        nominal = planned.k_per_m.at(0)[group.rows[slot.rows[0]], 2]
        kept.append(onto_planes(slot, lattice.z, fine, float(nominal + slot.shift_per_m[2])))
    return kept


def _responses(planned: Plan, group: Group, lattice: Lattice, bank: PulseBank, axes: ClassAxes, b0_T: float) -> list[Slot]:
    """Configuration states of all tissues' lines, a line per thread, the longest T2 first."""
    cut = np.array([lattice.x.cut_per_m, lattice.y.cut_per_m, lattice.z.cut_per_m])
    experiment = Experiment(
        timeline=planned.timeline,
        schedule=make_schedule(
            planned.timeline, planned.waveforms, planned.k_per_m, planned.frame, group.pulses, group.rows, cut
        ),
        frame=planned.frame,
        bank=bank,
        axes=axes,
        b0_T=b0_T,
        prune=PRUNE * planned.fineness.tolerance,
    )
    lines = unfold(planned.phantom.tissues)
    tissues = [line.tissue for line in lines]
    held = [bool(fraction.any()) for fraction in lattice.fractions]
    present = [number for number, line in enumerate(lines) if held[line.owner]]
    with ThreadPoolExecutor(THREADS) as pool:
        order = sorted(present, key=lambda number: -tissues[number].t2_s)
        futures = {number: pool.submit(run_tissue, experiment, tissues[number]) for number in order}
        records = [futures[number].result() if number in futures else None for number in range(len(tissues))]
    return gather_slots(records, experiment.schedule, axes)
