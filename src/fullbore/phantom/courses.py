"""Phantoms whose tissues change while they are looked at: a contrast agent that passes, cortex that works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from fullbore.data import Phantom, Tissue, TissueCourse
from fullbore.errors import UsageError, ValueRangeError
from fullbore.physics.perfusion import (
    AGENTS,
    HAEMATOCRIT,
    ContrastAgent,
    arterial_input_mM,
    exponential_answer,
    haemodynamic_step,
    leaking_mM,
    passing_mM,
)  # fmt: skip

VENOUS_DELAY_S, VENOUS_SPREAD_S = 3.0, 4.0
"""By which veins are later than arteries, and the mean of an exponential by which they are broader. A choice, not verified."""
ARTERIAL_OXYGENATION = 0.9
STEP_S = 0.25
ACTIVE = ", active"


def concentrations_mM(
    tissues: Sequence[Tissue], times_s: Float[np.ndarray, " t"], dose_mmol_per_kg: float = 0.1, begin_s: float = 0.0
) -> dict[str, tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]]:
    """(In all of a tissue, of that within its vessels) of a bolus injected at begin_s, by tissue; without those without blood.

    Blood has the arterial input of Parker, veins later and broader. Tissues that leak follow the extended Tofts model, others
    pass it on with an exponential residue; the input reaches each after its transit time.
    """
    if not 0 < dose_mmol_per_kg <= 1:
        raise ValueRangeError(f"contrast agent: dose {dose_mmol_per_kg} mmol/kg, wanted more than 0 and at most 1.")
    found = {}
    for tissue in tissues:
        blood = tissue.perfusion
        if blood is not None and (blood.flow_per_s > 0 or blood.transfer_per_s > 0):
            given = arterial_input_mM(times_s - begin_s - blood.transit_s, dose_mmol_per_kg)
            if blood.transfer_per_s > 0:
                plasma = given / (1 - HAEMATOCRIT)
                all_of_it = leaking_mM(times_s, plasma, blood.transfer_per_s, blood.extravascular_fraction, blood.plasma_fraction)
                found[tissue.name] = all_of_it, blood.plasma_fraction * plasma
            else:
                passing = passing_mM(times_s, given, blood.flow_per_s, blood.blood_fraction)
                found[tissue.name] = passing, passing
        elif _is_blood(tissue):
            given = arterial_input_mM(times_s - begin_s, dose_mmol_per_kg)
            if (tissue.oxygenation or 0.0) < ARTERIAL_OXYGENATION:
                late = arterial_input_mM(times_s - begin_s - VENOUS_DELAY_S, dose_mmol_per_kg)
                given = exponential_answer(times_s, late, 1 / VENOUS_SPREAD_S) / VENOUS_SPREAD_S
            found[tissue.name] = given, 0 * given
    return found


def with_contrast(
    phantom: Phantom,
    end_s: float,
    *,
    dose_mmol_per_kg: float = 0.1,
    begin_s: float = 0.0,
    agent: str | ContrastAgent = "gadobutrol",
) -> Phantom:
    """The phantom after an injection at begin_s, until end_s: courses of R1, R2 and R2' of its blood and what blood reaches.

    Rates rise by relaxivity times concentration (water exchanges fast); agent within a tissue's vessels adds R2' around them.
    Tissues that change lose their T1rho and their pools, which do not go with courses. Errors: UsageError for an unknown agent or
    a phantom that no blood reaches; ValueRangeError.
    """
    if isinstance(agent, str) and agent not in AGENTS:
        raise UsageError(f"contrast agent {agent!r}: wanted one of {', '.join(AGENTS)}, or a ContrastAgent.")
    known = AGENTS[agent] if isinstance(agent, str) else agent
    if not begin_s < end_s:
        raise ValueRangeError(f"contrast agent: injected at {begin_s} s, wanted before the end at {end_s} s.")
    first = min(0.0, begin_s)
    times_s = np.linspace(first, end_s, int(np.ceil((end_s - first) / STEP_S)) + 1)
    held = concentrations_mM(phantom.tissues, times_s, dose_mmol_per_kg, begin_s)
    if not held:
        raise UsageError(f"Phantom {phantom.name}: no blood reaches its tissues. Give them a Perfusion.")
    courses = []
    for tissue in phantom.tissues:
        if tissue.name in held:
            whole, vessels = held[tissue.name]
            r1, r2 = (known.r1_blood, known.r2_blood) if tissue.perfusion is None else (known.r1, known.r2)
            courses.append(
                TissueCourse(
                    tissue=tissue.name, times_s=times_s, r1_per_s=r1 * whole, r2_per_s=r2 * whole,
                    r2_prime_per_s=known.r2_prime_vessels * vessels,
                )
            )  # fmt: skip
    return _following(phantom, courses)


def with_activation(phantom: Phantom, blocks_s: Sequence[tuple[float, float]], end_s: float) -> Phantom:
    """The phantom whose active tissues ("NAME, active") work in blocks (begin, end) and rest between them.

    A body that was made with activity (`head(active="visual")`) shows its plateau; here R2' goes from that of the tissue at rest
    to it and back with the canonical haemodynamic response, 1 at the plateau: signal rises by exp(TE dR2*) - 1. Tissues that
    change lose their T1rho and pools. Errors: UsageError for a phantom without active tissues; ValueRangeError for bad blocks.
    """
    if not blocks_s or any(not begin < end for begin, end in blocks_s):
        raise ValueRangeError(f"activation: blocks {list(blocks_s)}, wanted at least one, (begin, end) with begin < end.")
    times_s = np.linspace(0.0, end_s, int(np.ceil(end_s / STEP_S)) + 1)
    response = sum(haemodynamic_step(times_s - begin) - haemodynamic_step(times_s - end) for begin, end in blocks_s)
    named = {tissue.name: tissue for tissue in phantom.tissues}
    courses = []
    for tissue in phantom.tissues:
        resting = named.get(tissue.name.replace(ACTIVE, ""))
        if ACTIVE in tissue.name and resting is not None:
            change = _r2_star(resting) - _r2_star(tissue)
            courses.append(TissueCourse(tissue=tissue.name, times_s=times_s, r2_prime_per_s=change * (1 - response)))
    if not courses:
        raise UsageError(f"Phantom {phantom.name}: no tissue is active. Make the body with activity, head(active=...).")
    return _following(phantom, courses)


def _r2_star(tissue: Tissue) -> float:
    return 1 / tissue.t2_s + 1 / tissue.t2_prime_s


def _is_blood(tissue: Tissue) -> bool:
    return tissue.name.split(",")[0].endswith("blood") and tissue.oxygenation is not None


def _following(phantom: Phantom, courses: Sequence[TissueCourse]) -> Phantom:
    """The phantom with these courses, added to those that it has."""
    both: dict[str, TissueCourse] = {course.tissue: course for course in phantom.courses}
    for course in courses:
        both[course.tissue] = _sum(both[course.tissue], course) if course.tissue in both else course
    tissues = tuple(replace(t, t1rho_s=None, pools=()) if t.name in both else t for t in phantom.tissues)
    return replace(phantom, tissues=tissues, courses=tuple(both.values()))


def _sum(first: TissueCourse, second: TissueCourse) -> TissueCourse:
    times = np.union1d(first.times_s, second.times_s)
    one, other = (np.stack([np.interp(times, c.times_s, column) for column in c.added.T]) for c in (first, second))
    rates = dict(zip(("r1_per_s", "r2_per_s", "r2_prime_per_s", "shift_ppm"), one + other, strict=True))
    return TissueCourse(tissue=first.tissue, times_s=times, **rates)
