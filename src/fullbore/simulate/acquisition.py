"""Run a sequence on a phantom in a scanner: spins to raw data."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from jaxtyping import Complex64, Float

from fullbore.data import Phantom, RawData, ScannerSpec, Sequence
from fullbore.simulate.compression import fine_axes, model_slot, slot_energy
from fullbore.simulate.encode import separate
from fullbore.simulate.groups import Group
from fullbore.simulate.lattice import Lattice, place
from fullbore.simulate.noise import add_noise, mixing_matrix, noise_scan
from fullbore.simulate.planning import Plan, plan
from fullbore.simulate.space import Scene, carry, carry_directly
from fullbore.simulate.responses import ClassAxes, PulseBank, Slot, make_schedule, run_group, run_tissue

Progress = Callable[[float, str], None]
THREADS = 2
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
    dwell, count = sequence.encoding.dwell_s, samples.shape[2]
    scene = Scene(
        lattice=lattice,
        density=np.array([tissue.proton_density for tissue in planned.phantom.tissues]),
        sensitivity=spec.receive.sensitivity,
        fine=fine_axes(axes, 1e-4, 0.2 * tolerance),
        plane_wise=planned.selective,
        tolerance=tolerance,
        threads=THREADS,
    )
    mass = scene.mass()
    strongest = slot_energy(slots[0], mass)
    models, trajectories, products = [], [], []
    for slot in slots:
        k = planned.nominal_per_m[group.rows[slot.rows]] @ planned.frame.T + slot.shift_per_m
        product = separate(k, dwell)
        shifted = product is not None and all(comb.shift_m_per_Hz for comb in product)
        model = model_slot(
            slot, planned.phantom.tissues, axes, scene.fine, mass, count, dwell, spec.b0_T, tolerance, strongest, shifted
        )
        if model is not None:
            models.append(model)
            trajectories.append(k)
            products.append(product)
    for number, (model, k, product) in enumerate(zip(models, trajectories, products, strict=True)):
        rows = group.rows[model.slot.rows]
        if product is None:
            carry_directly(scene, model, k, samples, rows)
            continue
        for comb in product:
            part = 0.7 * len(comb.rows) / len(rows) / len(models)
            start = 0.3 + 0.7 * number / len(models)
            carry(scene, model, comb, models, samples, rows, lambda f: progress(start + part * f, "encoding"))


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


