"""The virtual scanner's front door: look at what is asked, choose an engine, say what it will do, play, receive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data import Phantom, RawData, ScannerSpec, Sequence
from fullbore.errors import UsageError
from fullbore.simulate.acquisition import StatesRun
from fullbore.simulate.cloud.play import MEMORY_BYTES, CloudRun
from fullbore.simulate.cloud.scatter import scatter, scattered
from fullbore.simulate.cloud.weighting import Weighting, weighting
from fullbore.simulate.planning import Plan, check_inputs, plan
from fullbore.simulate.receiving import Progress, played_sequence, record

ENGINES = ("auto", "states", "spins")
SPINS = 1_000_000
PATTERNS, FINEST = 0.1, 1e-6
"""Share of the tolerance that patterns of spins along a readout may take, and the least."""
DIRECT_S, MOST_DIRECT_S = 1.4e-7, 20.0
"""What a sample of a readout of any direction costs states for each cell of the phantom, and how long that may take in all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """Which engine plays and why. planned: of the states engine."""

    engine: str
    why: str
    planned: Plan | None = None


def choose(phantom: Phantom, sequence: Sequence, spec: ScannerSpec, engine: str = "auto", tolerance: float = 1e-3) -> Choice:
    """States wherever they can: they know T2', diffusion and complete spoiling. Spins for what states do not take.

    Errors: UsageError for an unknown engine, and for what states do not take when they are asked for; ValueRangeError for inputs
    that cannot be simulated at all.
    """
    if engine not in ENGINES:
        raise UsageError(f"simulate.acquire: engine {engine!r}, wanted one of {', '.join(ENGINES)}.")
    check_inputs(phantom, spec)
    if engine == "spins":
        return Choice(engine="spins", why="asked for")
    try:
        planned = plan(phantom, sequence, spec, tolerance)
    except UsageError as refusal:
        if engine == "states":
            raise
        return Choice(engine="spins", why=str(refusal))
    if engine == "states":
        return Choice(engine="states", why="asked for", planned=planned)
    slow_s = DIRECT_S * planned.direct * sequence.encoding.samples * int(phantom.fractions.any(axis=0).sum())
    if slow_s > MOST_DIRECT_S:
        why = f"{planned.direct} readouts run along no axis of a lattice, for which states would take about {slow_s:.0f} s"
        return Choice(engine="spins", why=why)
    return Choice(engine="states", why="the sequence selects along its slice axis and reads a lattice", planned=planned)


def acquire(
    phantom: Phantom,
    sequence: Sequence,
    spec: ScannerSpec,
    *,
    seed: int = 0,
    tolerance: float = 1e-3,
    engine: str = "auto",
    spins: int = SPINS,
    memory_bytes: int = MEMORY_BYTES,
    progress: Progress | None = None,
) -> RawData:
    """Raw data of `sequence` on `phantom` in `spec`, with its flaws and noise.

    Signal = sum over the phantom of proton density * volume * sensitivity * magnetisation (1 at equilibrium).
    Tissues: both engines feel T1, T2, T2', proton density, chemical shift, species, diffusion and compartments; spins alone
    pools, T1rho, courses in time, motion and flow (pools do not flow). Neither feels what a body has made of its
    tissues elsewhere or not at all: susceptibility (it is in the phantom's field), perfusion, oxygenation (give a course),
    stiffness, temperature, conductivity and permittivity (they are in the transmit field).
    tolerance: relative l2 error allowed to the noiseless samples, and to what no diffusion makes of any readout: spins walk
    where they would lose more. seed: of the noise, of where spins are put and of their walks.
    engine: auto, states (configuration states on classes) or spins (isochromats, at most `spins` of them; `memory_bytes` bounds
    their work). progress is told the plan first, then fractions.
    Errors: UsageError, ValueRangeError, LimitError for what cannot be simulated; AcquisitionInterrupted, with the readouts
    that are complete, for Ctrl-C (with states a slice is complete at once, a volume only at its end).
    """
    report = progress or (lambda fraction, what: None)
    report(0.0, "planning")
    played = played_sequence(sequence, spec)
    choice = choose(phantom, played, spec, engine, tolerance)
    if choice.planned is not None:
        report(0.0, f"plan: configuration states in {len(choice.planned.groups)} group(s): {choice.why}")
        for note in choice.planned.notes:
            report(0.0, note)
        return record(StatesRun(choice.planned, played, spec), sequence, spec, seed, report)
    run = _cloud_run(phantom, played, spec, seed, tolerance, spins, memory_bytes, choice.why, report)
    return record(run, sequence, spec, seed, report)


def _cloud_run(
    phantom: Phantom,
    played: Sequence,
    spec: ScannerSpec,
    seed: int,
    tolerance: float,
    spins: int,
    memory_bytes: int,
    why: str,
    report: Progress,
) -> CloudRun:
    """Spins in the phantom that walk where they must; `report` is told the plan and `why` spins play it."""
    felt = weighting(phantom, played)
    walks = felt.lost > tolerance
    counts = per_cell(phantom, spins, walks)
    cloud = scatter(phantom, spec, counts, seed=seed, diffusing=walks)
    run = CloudRun(cloud, played, spec, tolerance=max(PATTERNS * tolerance, FINEST), memory_bytes=memory_bytes)
    run.how |= {"phantom": phantom.name}
    report(0.0, f"plan: {run.outlook()}: {why}")
    if any(np.any(tensor) for tissue in phantom.tissues for _, tensor in tissue.diffusion):
        report(0.0, _walks(phantom, played, felt, counts) if walks else f"spins stay: diffusion takes {felt.lost:.1g} at most")
    return run


def _walks(phantom: Phantom, sequence: Sequence, felt: Weighting, counts: tuple[int, int, int]) -> str:
    """What walking will cost in accuracy, in a sentence."""
    geometry = sequence.encoding.geometry
    voxel = float(np.prod(geometry.fov_m) / np.prod(geometry.matrix))
    held = voxel * float(np.prod(counts) / np.prod(phantom.grid.spacing_m))
    error = 100 * felt.error(held)
    return (
        f"spins walk: diffusion takes up to {100 * felt.lost:.2g} % of a readout; at most {error:.1g} % of an unweighted voxel, "
        f"of {held:.0f} spins, is error by chance"
    )


def per_cell(phantom: Phantom, spins: int, diffusing: bool = False) -> tuple[int, int, int]:
    """Spins along x, y and z in each of the phantom's cells: as even in space as a number of spins allows, at least one.

    diffusing: a spin for each compartment of a tissue.
    """
    counts, spacing = [1, 1, 1], phantom.grid.spacing_m
    cells = scattered(phantom, (1, 1, 1), diffusing)
    while True:
        axis = max(range(3), key=lambda i: spacing[i] / counts[i])
        more = [count + (i == axis) for i, count in enumerate(counts)]
        if cells * more[0] * more[1] * more[2] > spins:
            return counts[0], counts[1], counts[2]
        counts = more
