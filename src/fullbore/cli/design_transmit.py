"""`fullbore design transmit`: a transmit coil around a voxel body, by a full-wave solution."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from fullbore import phantom
from fullbore.cli.chosen_brief import chosen_brief
from fullbore.cli.doors import write_text
from fullbore.cli.folder import new_folder
from fullbore.cli.outcome import print_record, tell_demands, write_picture
from fullbore.cli.terminal import ExamTerminal
from fullbore.clinical.report import Demand, TransmitViews, transmit_figure, transmit_page
from fullbore.data import Grid
from fullbore.errors import LimitError, UsageError
from fullbore.files.atomic import atomic_path
from fullbore.hardware.full_wave import (
    BodyFields,
    TransmitBrief,
    TransmitModel,
    VoxelBody,
    body_fields,
    incident_on,
    load_transmit_brief,
    parse_transmit_brief,
    transmit_model,
)
from fullbore.hardware.full_wave.brief import refuse_power
from fullbore.hardware.full_wave.sar import MassCubes, mass_cubes, point_sar, voxel_power_W
from fullbore.hardware.full_wave.transmit import phase_aligned, quadrature
from fullbore.machinery import digest
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.physics.tissue_mass import mass_density_kg_per_m3

_DEFAULT = "body-birdcage-3t"
_MOST_VOXELS = 4_000_000
_VOXEL_MM = (2.0, 20.0)
# Seconds of a 5 mm head on one core, a choice that the bar corrects as it goes.
_EXPECTED_S = {"body": 20.0, "coil": 8.0, "currents": 12.0, "SAR": 12.0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Outcome:
    """Everything that is written."""

    fields: BodyFields
    model: TransmitModel
    cubes: MassCubes
    seconds: dict[str, float]


def transmit(options: argparse.Namespace) -> int:
    """Solve, then write transmit.json, transmit.npz, transmit.png and report.html; refuse B1+ that would pass a SAR limit."""
    brief = _brief(options)
    channels = brief.coil.elements if brief.coil.kind == "loops" else 2
    expected = {f"transmit/{stage}": s * (channels if stage == "currents" else 1) for stage, s in _EXPECTED_S.items()}
    with ExamTerminal(expected) as terminal:
        terminal.line(f"{brief.name}: {brief.coil.kind}, {brief.coil.elements} elements, around {brief.subject.phantom}")
        made = _solved(brief, terminal)
        refusal = _refusal(brief, made.model)
        folder = new_folder(options.out, brief.name)
        record = _write(made, brief, folder, refusal)
        tell_demands(terminal, demands(made.model, brief))
        terminal.line(f"done: open {folder}/report.html")
    if refusal is not None:
        raise refusal
    print_record(options, folder, record)
    return 0


def demands(model: TransmitModel, brief: TransmitBrief) -> list[Demand]:
    """The brief's limits beside what the coil does at the B1+ asked."""
    limits, square = brief.limits, brief.limits.b1_rms_T**2
    found = [
        Demand(
            name="variation of |B1+| in the slab",
            value=100 * model.figures["variation_in_slab"],
            limit=100 * limits.variation,
            unit="%",
        ),
        Demand(
            name=f"SAR of the whole subject at {limits.b1_rms_T * 1e6:g} uT rms",
            value=model.power.head_W_per_kg_per_T2 * square,
            limit=limits.subject_sar_W_per_kg,
            unit="W/kg",
        ),
    ]
    if limits.local_sar_W_per_kg is not None:
        local = model.power.local_factor * model.power.head_W_per_kg_per_T2 * square
        found.append(Demand(name="local 10 g SAR", value=local, limit=limits.local_sar_W_per_kg, unit="W/kg"))
    return found


def voxel_body(name: str, spacing_m: float) -> VoxelBody:
    """A body of the phantom room as cubes: of each voxel, the tissue that fills most of it.

    Errors: UsageError for tissues without electric properties, or for a lattice of more voxels than fit.
    """
    subject = phantom.make_body(name)
    grid = phantom.body_grid(subject, spacing_m)
    if math.prod(grid.shape) > _MOST_VOXELS:
        raise UsageError(f"transmit: {name} at {spacing_m * 1e3:g} mm has {math.prod(grid.shape)} voxels, limit {_MOST_VOXELS}.")
    maps = phantom.property_maps(subject, grid, names=("permittivity", "conductivity"))
    found = maps.report["tissue"]
    assert isinstance(found, np.ndarray)
    names = [str(tissue) for tissue in _listed(maps.report["tissues"])]
    permittivity, conductivity = (np.asarray(item.value, np.float64) for item in maps.maps)
    unknown = np.unique(found[(found >= 0) & ~np.isfinite(permittivity + conductivity)])
    if len(unknown):
        raise UsageError(f"transmit: no electric properties of {', '.join(names[i] for i in unknown)}. Choose another phantom.")
    mass = np.array([mass_density_kg_per_m3(tissue) for tissue in names] + [0.0])
    return VoxelBody(
        permittivity=np.where(found >= 0, permittivity, 1.0),
        conductivity=np.where(found >= 0, conductivity, 0.0),
        density=mass[found],
        grid=Grid(shape=grid.shape, affine_m=grid.affine_m),
    )


def _listed(value: object) -> list[object]:
    assert isinstance(value, list | tuple)
    return list(value)


def _brief(options: argparse.Namespace) -> TransmitBrief:
    brief = chosen_brief(options, "design transmit", parse_transmit_brief, load_transmit_brief, _DEFAULT)
    voxel_mm = 1e3 * brief.subject.voxel_m if options.voxel is None else options.voxel
    if not _VOXEL_MM[0] <= voxel_mm <= _VOXEL_MM[1]:
        raise UsageError(f"design transmit, voxel: got {voxel_mm:g} mm, wanted {_VOXEL_MM[0]:g} to {_VOXEL_MM[1]:g}.")
    return replace(
        brief, subject=replace(brief.subject, voxel_m=1e-3 * voxel_mm, phantom=options.phantom or brief.subject.phantom)
    )


def _solved(brief: TransmitBrief, terminal: ExamTerminal) -> _Outcome:
    seconds: dict[str, float] = {}

    def stage(name: str, work: Callable[[], object]) -> object:
        began = time.monotonic()
        terminal.progress("transmit", name, 0.0, "")
        done = work()
        terminal.progress("transmit", name, 1.0, "")
        seconds[name] = round(time.monotonic() - began, 2)
        return done

    frequency = GYROMAGNETIC_RATIO_HZ_PER_T * brief.b0_T
    body = stage("body", lambda: voxel_body(brief.subject.phantom, brief.subject.voxel_m))
    assert isinstance(body, VoxelBody)
    incident: list[np.ndarray] = []
    stage("coil", lambda: incident.extend(incident_on(brief.coil.currents(), body, frequency)))
    tell: Callable[[float, str], None] = lambda share, text: terminal.progress("transmit", "currents", share, text)  # noqa: E731
    fields = stage("currents", lambda: body_fields(body, incident[0], incident[1], frequency, tolerance=3e-4, tell=tell))
    assert isinstance(fields, BodyFields)
    if brief.coil.kind == "birdcage":
        fields = quadrature(fields)
    drive = np.ones(1, np.complex128) if brief.coil.kind == "birdcage" else phase_aligned(fields)
    cubes = mass_cubes(body)
    text = f"{brief.name} around {brief.subject.phantom}, volume integral equation at {brief.subject.voxel_m * 1e3:g} mm"
    model = stage("SAR", lambda: transmit_model(fields, drive, source=text, cubes=cubes))
    assert isinstance(model, TransmitModel)
    return _Outcome(fields=fields, model=model, cubes=cubes, seconds=seconds)


def _refusal(brief: TransmitBrief, model: TransmitModel) -> LimitError | None:
    power = model.power
    try:
        refuse_power(brief.limits, power.head_W_per_kg_per_T2, power.local_factor * power.head_W_per_kg_per_T2)
    except LimitError as error:
        return error
    return None


def _views(made: _Outcome) -> TransmitViews:
    fields, model, body = made.fields, made.model, made.fields.body
    drive = model.drive / model.reference_T_per_A * 1e-6
    air = ~body.matter
    relative = np.where(air, np.nan, np.abs(np.tensordot(model.drive.conj(), model.relative.values, axes=1)))
    places = [int(np.abs(body.grid.axis_positions_m(axis)).argmin()) for axis in (2, 1, 0)]
    power = voxel_power_W(fields, drive)
    edges = [body.grid.axis_positions_m(axis)[[0, -1]] + body.spacing_m / 2 * np.array([-1, 1]) for axis in (2, 1, 0)]
    ends = [(float(low), float(high)) for low, high in edges]
    return TransmitViews(
        relative_b1=relative,
        channels=np.where(air[places[0]], np.nan, np.abs(model.relative.values[:, places[0]])),
        electric=np.sqrt((np.abs(np.tensordot(drive, fields.electric, axes=1)) ** 2).sum(axis=0)),
        point_sar=point_sar(fields, drive),
        local_sar=made.cubes.spread(made.cubes.means(power)),
        planes=(places[0], places[1], places[2]),
        extent_m=(ends[0], ends[1], ends[2]),
    )


def _write(made: _Outcome, brief: TransmitBrief, folder: Path, refusal: LimitError | None) -> dict[str, object]:
    model, views, sha = made.model, _views(made), digest(asdict(brief))
    record: dict[str, object] = {"brief": asdict(brief), "brief_sha256": sha, "figures": model.figures}
    record |= {"iterations": made.fields.iterations, "residuals": made.fields.residuals, "seconds": made.seconds}
    record["refused"] = str(refusal) if refusal else None
    write_text(json.dumps(record, indent=1) + "\n", folder / "transmit.json")
    points = model.power.observation_points
    assert points is not None
    with atomic_path(folder / "transmit.npz") as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            relative_b1=model.relative.values,
            affine_m=model.relative.grid.affine_m,
            drive=model.drive,
            observation_points_W_per_kg_per_T2=points,
            local_sar_W_per_kg_per_uT2=views.local_sar.astype(np.float32),
            point_sar_W_per_kg_per_uT2=views.point_sar.astype(np.float32),
        )
    write_picture(transmit_figure(views), folder / "transmit.png", 80)
    body = made.fields.body
    facts = [
        ("brief", brief.name),
        ("brief's source", brief.source),
        ("brief's SHA-256", sha),
        ("frequency", f"{made.fields.frequency_Hz * 1e-6:.3f} MHz"),
        (
            "body",
            f"{brief.subject.phantom}, {body.matter.sum()} cubes of {body.spacing_m * 1e3:g} mm, {body.mass_kg.sum():.3g} kg",
        ),
        ("iterations", ", ".join(map(str, made.fields.iterations))),
        ("made in", ", ".join(f"{stage} {s:.1f} s" for stage, s in made.seconds.items())),
    ]
    lead = f"{brief.coil.kind} of {brief.coil.elements} elements, {brief.coil.radius_m * 100:g} cm radius, at {brief.b0_T:g} T."
    page = transmit_page(brief.name, lead, views, demands(model, brief), model.figures, facts, str(refusal) if refusal else "")
    write_text(page, folder / "report.html")
    return {"figures": model.figures, "brief_sha256": sha, "seconds": made.seconds}
