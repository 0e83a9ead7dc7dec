# TRUTHS of gradient coils as designed: wires keep the limits that the brief asked for | sensitivity and inductance of the wires =
# those of the stream function, leads counted | energy = 1/2 L I^2 | no net force, and turns alone no torque | y = x turned by 90
# degrees | z is even about its axis | field map = coordinates within the linearity, and is a flaw of a scanner | axes taken as
# known make the same set to the bit | a brief beyond limits is refused with one that can be met | more eddy field allowed, less
# energy | sets of 60 and 75 cm keep every limit, no wire nearer to another than width and gap (slow)
from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Flaws, GradientChain, Grid
from fullbore.errors import LimitError, UsageError, ValueRangeError
from fullbore.hardware.gradient import (
    GradientCoil,
    GradientCoils,
    axis_brief,
    design_axis,
    gradient_fields,
    load_gradient_brief,
    stream_function,
    wound_gradient,
)
from fullbore.hardware.gradient.contours import cylinder_loops
from fullbore.hardware.gradient.cylinder import optimum
from fullbore.hardware.gradient.figures import force_figures
from fullbore.hardware.gradient.gaps import least_gap_m, touching_m

PRESET = load_gradient_brief("75cm")
BRIEF = replace(PRESET, y=PRESET.x)
# A third of the turns, where only a design's way matters: quick.
FEW = replace(BRIEF, drive=replace(BRIEF.drive, current_A=3600.0, voltage_V=2000.0))
TURNS_A = BRIEF.drive.current_A / BRIEF.drive.amplitude_T_per_m


@pytest.fixture(scope="module")
def coils():
    made = {axis: design_axis(BRIEF, axis) for axis in "xz"}
    made["y"] = design_axis(FEW, "y")
    own = np.diag([made[axis].inductance_H for axis in "xyz"])
    return GradientCoils(name="test", coils=(made["x"], made["y"], made["z"]), mutual_H=own, source="a test")


def test_limits_are_kept(coils):
    for coil in (coils.coils[0], coils.coils[2]):
        f = coil.figures
        assert f["linearity_percent"] <= 5.0 and f["eddy_percent"] <= 0.2
        assert f["amplitude_T_per_m"] >= 0.045 and f["slew_T_per_m_s"] >= 200
        assert min(f["spacing_primary_m"], f["spacing_shield_m"]) >= 5e-3


def test_wires_are_the_stream_function(coils):
    for coil in (coils.coils[0], coils.coils[2]):
        f = coil.figures
        # bridges and leads counted
        assert f["sensitivity_T_per_m_A"] == pytest.approx(f["sheet_sensitivity_T_per_m_A"], rel=1e-3)
        # the field between turns is foretold by a row of even wires; spacings change along a turn, and leads come on top
        assert f["inductance_H"] == pytest.approx(f["sheet_and_gaps_inductance_H"], rel=0.02)
        assert f["energy_J"] == pytest.approx(0.5 * f["inductance_H"] * (0.045 / f["sensitivity_T_per_m_A"]) ** 2)
        assert f["merit_T2_per_m2_A2_H"] == pytest.approx(f["sensitivity_T_per_m_A"] ** 2 / f["inductance_H"])


def test_forces(coils):
    for coil in (coils.coils[0], coils.coils[2]):
        assert coil.figures["net_force_N"] < 1e-6
        assert coil.figures["peak_force_N_per_m"] == pytest.approx(1200 * 3.0, rel=1e-3)
        torque = np.zeros(3)
        for sheet in coil.sheets:
            for loop in cylinder_loops(sheet, 1.0):
                path = np.concatenate([loop.points_m, loop.points_m[:1]])
                moment = 0.5 * np.cross(path[:-1], path[1:]).sum(axis=0)
                torque += np.cross(moment, [0, 0, 1])
        # turns cancel each other; bridges and leads leave what the figures say
        assert np.abs(torque).max() < 1e-4  # of some 60 A m^2 a lobe
        assert coil.figures["net_torque_Nm"] == pytest.approx(force_figures(coil.closed_m, 1200.0, 3.0)["net_torque_Nm"])


def test_y_is_x_turned_and_z_is_round(coils):
    x, (_, y, z) = design_axis(FEW, "x"), coils.coils
    # leads of x and y leave to either side of their layers, a tenth of a turn's length among seven turns
    assert y.inductance_H == pytest.approx(x.inductance_H, rel=2e-3)
    assert y.sensitivity_T_per_m_A == pytest.approx(x.sensitivity_T_per_m_A, rel=1e-4)
    heights = np.linspace(-0.6, 0.6, 7)
    spread = stream_function(z, 0, np.linspace(0, 6, 5), heights)
    assert np.ptp(spread, axis=0).max() < 1e-9 and np.allclose(spread[0], spread[0][::-1])
    odd = stream_function(x, 0, np.array([0.0]), heights)[0]
    assert np.allclose(odd, -odd[::-1]) and np.abs(odd).max() > 3
    assert np.allclose(stream_function(y, 0, np.array([np.pi / 2]), heights)[0], odd)
    assert (stream_function(x, 1, np.array([0.0]), np.array([0.71])) == 0).all()


def test_field_map(coils):
    grid = Grid.centred((7, 7, 7), (0.04, 0.04, 0.04))
    made = gradient_fields(coils, grid)
    points = np.moveaxis(grid.points_m(), -1, 0)
    inside = np.linalg.norm(points, axis=0) < 0.225
    deviation = np.abs(made.values - points)[:, inside][[0, 2]]  # y is wound with few turns
    assert made.unit == "m" and 1e-4 < deviation.max() < 0.05 * 0.225
    near = np.linalg.norm(points, axis=0) < 0.05
    # near the centre only third order is left: (0.05 / 0.225)^2 of the linearity
    assert np.abs(made.values - points)[[0, 2]][:, near].max() < 0.05 * 0.225 * 0.05
    assert Flaws(gradient_fields_m=made).gradient_fields_m is made
    chain = GradientChain(
        sensitivity_T_per_m_A=coils.sensitivity_T_per_m_A,
        inductance_H=coils.inductance_H,
        resistance_ohm=coils.resistance_ohm,
        voltage_V=(3333.0,) * 3,
        current_A=(1200.0,) * 3,
    )
    assert chain.inductance_H[0] > 0 and [len(track) for track in coils.tracks_m] == [len(c.track_m) for c in coils.coils]
    with pytest.raises(UsageError, match="reaches"):
        gradient_fields(coils, Grid.centred((3, 3, 3), (0.5, 0.5, 0.5)))


def test_less_asked_less_energy():
    first = optimum(BRIEF, "x", TURNS_A)
    easy = optimum(replace(BRIEF, limits=replace(BRIEF.limits, eddy=0.05)), "x", TURNS_A)
    straight = optimum(replace(BRIEF, limits=replace(BRIEF.limits, linearity=0.03)), "x", TURNS_A)
    assert easy.inductance_H < first.inductance_H < straight.inductance_H
    long = optimum(replace(BRIEF, x=replace(BRIEF.x, primary_length_m=1.6, shield_length_m=1.7)), "x", TURNS_A)
    assert long.inductance_H < first.inductance_H


def told(error, before, after):
    text = str(error)
    return float(text[text.index(before) + len(before) :].split(after)[0])


def test_refused_spacing():
    tight = replace(BRIEF, limits=replace(BRIEF.limits, spacing_m=0.03))
    with pytest.raises(LimitError, match="binding") as caught:
        optimum(tight, "x", TURNS_A)
    spacing = told(caught.value, "spacing of ", " mm")
    assert spacing < 30
    kept = optimum(replace(tight, limits=replace(tight.limits, spacing_m=1e-3 * spacing)), "x", TURNS_A)
    assert kept.sensitivity_T_per_m_A == pytest.approx(1 / TURNS_A)


def test_refused_drive():
    weak = replace(FEW, drive=replace(FEW.drive, slew_T_per_m_s=2000.0))
    with pytest.raises(LimitError, match="binding: voltage") as caught:
        design_axis(weak, "z")
    slew = told(caught.value, "Take ", " T/m/s")
    made = design_axis(replace(weak, drive=replace(weak.drive, slew_T_per_m_s=slew)), "z")
    assert made.figures["slew_T_per_m_s"] >= slew
    with pytest.raises(LimitError, match="resistance alone"):
        design_axis(replace(BRIEF, drive=replace(BRIEF.drive, voltage_V=1.0)), "z")


def test_a_coil_without_gradient_is_no_coil(coils):
    with pytest.raises(ValueRangeError, match="parity"):
        GradientCoil(
            axis="x",
            sheets=coils.coils[0].sheets,
            track_m=coils.coils[0].track_m,
            turns=(1, 1),
            sensitivity_T_per_m_A=0.0,
            inductance_H=1e-4,
            resistance_ohm=0.1,
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["60cm", "75cm"])
def test_a_set_keeps_its_limits_and_can_be_laid(name):
    brief = load_gradient_brief(name)
    made = [design_axis(brief, axis) for axis in "xyz"]
    for f in (coil.figures for coil in made):
        assert f["amplitude_T_per_m"] >= brief.drive.amplitude_T_per_m and f["slew_T_per_m_s"] >= brief.drive.slew_T_per_m_s
        assert f["linearity_percent"] <= 5 and f["eddy_percent"] <= 0.2
    tracks, size = {coil.axis: coil.closed_m for coil in made}, brief.conductor.width_m + brief.conductor.gap_m
    assert min(least_gap_m(tracks, 1.5 * size).values()) >= size
    assert touching_m(tracks, brief.conductor.width_m) == {"x": 0, "y": 0, "z": 0}


def test_known_axes_are_taken_and_make_the_same():
    grid = Grid.centred((5, 5, 5), (0.05, 0.05, 0.05))
    whole = wound_gradient(FEW, grid, {})
    moved = replace(FEW, x=replace(FEW.x, primary_radius_m=FEW.x.primary_radius_m - 2e-3))
    for axis in "yz":
        assert axis_brief(moved, axis) == axis_brief(FEW, axis)
    assert axis_brief(moved, "x") != axis_brief(FEW, "x")
    known = dict(zip("yz", whole.axes[1:], strict=True))
    part, anew = wound_gradient(moved, grid, known), wound_gradient(moved, grid, {})
    for one, other in zip(part.axes, anew.axes, strict=True):
        assert (one.field_m == other.field_m).all() and (one.coil.track_m == other.coil.track_m).all()
        assert one.coil.figures == other.coil.figures
    assert (part.axes[0].field_m != whole.axes[0].field_m).any()
    coils = GradientCoils(name="few", coils=part.coils, mutual_H=np.eye(3), source="a test")
    assert (gradient_fields(coils, grid).values == part.fields().values).all()
