# TRUTHS of what a workshop needs: a rectangle's ring holds Guldin's volume | a spool is its hull less its grooves | copper is
# length x width x thickness where all is lead-wide | wire lengths are turns x circumference | windings in a spool's grooves are
# the windings | moved profiles move the field, and a changed field is told | overlapping grooves are refused
# | wires that would touch are told, by their length
from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Magnet, Winding
from fullbore.errors import LimitError
from fullbore.hardware.gradient import load_gradient_brief
from fullbore.hardware.gradient.contours import SheetCurrent
from fullbore.hardware.gradient.gaps import touching_m
from fullbore.hardware.magnet import load_magnet_brief, solenoid_field
from fullbore.hardware.magnet.figures import wires_of
from fullbore.hardware.making import (
    COPPER,
    field_error,
    gradient_bill,
    gradient_formers,
    magnet_bill,
    magnet_profiles,
    magnet_spools,
    ring,
    ring_volume_m3,
    shim_bill,
    windings_at,
    windings_in_grooves,
)
from fullbore.hardware.shim import ShimTrays


def winding(name, centre, inner=0.5, wire="primary", turns=1000.0):
    return Winding(
        name=name, wire=wire, inner_radius_m=inner, outer_radius_m=inner + 0.05, centre_m=centre, length_m=0.2, turns=turns
    )


MAGNET = Magnet(
    name="three",
    b0_T=3.0,
    current_A=500.0,
    windings=(winding("a", -0.4), winding("b", 0.4, 0.52), winding("c", 0.0, 0.9, "shield", -300.0)),
    source="test",
)
POINTS = np.array([[0.0, 0.0], [0.1, 0.1], [0.0, -0.2]])


def test_a_ring():
    assert ring_volume_m3(ring(0.5, 0.6, -0.1, 0.1)) == pytest.approx(np.pi * (0.36 - 0.25) * 0.2, rel=1e-12)


def test_a_spool_is_its_hull_less_its_grooves():
    spool = magnet_spools(MAGNET)["spool-primary"]
    hull = np.pi * (0.57**2 - 0.48**2) * (0.8 + 0.2 + 0.03)
    grooves = np.pi * 0.2 * (0.57**2 - 0.5**2 + 0.57**2 - 0.52**2)
    assert ring_volume_m3(spool) == pytest.approx(hull - grooves, rel=1e-12)


def test_windings_lie_in_their_grooves():
    corners = np.concatenate(list(magnet_spools(MAGNET).values()))
    assert windings_at(MAGNET, windings_in_grooves(MAGNET, corners)) == pytest.approx(MAGNET.sections(), rel=1e-12)


def test_a_moved_winding_is_told():
    wanted = solenoid_field(POINTS, MAGNET.sections())[:, 1]
    profiles = magnet_profiles(MAGNET)
    assert field_error(wanted, solenoid_field(POINTS, windings_at(MAGNET, profiles))[:, 1]) < 1e-12
    moved = profiles | {"a": profiles["a"] + [0.0, 0.01]}
    assert field_error(wanted, solenoid_field(POINTS, windings_at(MAGNET, moved))[:, 1]) > 1e-3


def test_overlapping_grooves_are_refused():
    with pytest.raises(LimitError, match="two spools"):
        magnet_spools(replace(MAGNET, windings=(winding("a", 0.0), winding("b", 0.1))))


def test_the_magnet_bill():
    rows = {row[0]: row for row in magnet_bill(MAGNET, wires_of(load_magnet_brief("75cm")), magnet_spools(MAGNET))}
    assert rows["NbTi wire, a"][1] == pytest.approx(1000 * 2 * np.pi * 0.525)
    wire = load_magnet_brief("75cm").primary_wire.wire()
    full = rows["NbTi wire, a"][1] * wire.area_m2 * wire.metal_share
    assert 0.9 * full * COPPER < rows["NbTi wire, a"][3] < full * COPPER
    assert rows["superconducting joints"][1] == 2


def test_the_gradient_bill():
    brief = load_gradient_brief("75cm")
    # far from any sheet, so that all of it is as wide as a lead
    square = np.array([[0.2, 0, 0], [0, 0.2, 0], [-0.2, 0, 0], [0, -0.2, 0], [0.2, 0, 0]])
    sheet = SheetCurrent(radius_m=0.411, order=1, heights_m=np.linspace(-0.6, 0.6, 9), profile_A=np.zeros(9))
    rows = {row[0]: row for row in gradient_bill({"x": square}, {"x": (sheet,)}, brief)}
    assert rows["copper track x"][1] == pytest.approx(4 * 0.2 * np.sqrt(2))
    section = brief.conductor.width_m * brief.conductor.thickness_m
    assert rows["copper track x"][3] == pytest.approx(4 * 0.2 * np.sqrt(2) * section * COPPER)
    assert min(row[3] for row in rows.values()) > 0


@pytest.mark.parametrize("preset", ["60cm", "65cm", "70cm", "75cm"])
def test_formers_touch_no_wire_and_fit_the_bore(preset):
    brief = load_gradient_brief(preset)
    low, high = gradient_formers(brief).values()
    for axis in "xyz":
        own, half = brief.cylinders(axis), brief.conductor.thickness_m / 2
        assert low[:, 0].max() <= own.primary_radius_m - half + 1e-12
        assert high[:, 0].min() >= own.shield_radius_m + half - 1e-12
    assert high[:, 0].max() < brief.bore_radius_m


def test_wires_that_touch_are_told():
    line = np.array([[0.0, 0, 0], [1, 0, 0]])
    cross = np.array([[0.5, -0.5, 2e-3], [0.5, 0.5, 2e-3]])
    told = touching_m({"x": line, "y": cross, "z": line + [0, 0, 0.1]}, 4e-3)
    chord = 2 * np.sqrt(4e-3**2 - 2e-3**2)  # of each wire, within 4 mm of the other's nearest point
    assert told["x"] == pytest.approx(chord, abs=4e-3)  # steps of 2 mm
    assert told["y"] == pytest.approx(chord, abs=4e-3)
    assert told["z"] == 0
    hairpin = np.array([[0.0, 0, 0], [1, 0, 0], [1, 3e-3, 0], [0, 3e-3, 0]])
    # all of its 2 m, less 20 sizes about the bend and 20 about the terminals, where neighbours along the wire do not count
    assert touching_m({"x": hairpin}, 4e-3)["x"] == pytest.approx(2.003 - 2 * 20 * 4e-3, abs=8e-3)
    loop = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]])
    assert touching_m({"x": loop}, 4e-3)["x"] == 0


def test_the_shim_bill():
    trays = ShimTrays(radius_m=0.4, length_m=1.0, trays=2, pockets=3)
    rows = shim_bill(np.array([[1, 2, 3], [0, 0, 4]]), trays)
    assert [row[1] for row in rows] == [6, 4]
    assert rows[0][3] == pytest.approx(6 * 7870 * 0.05 * 0.06 * 1e-4)
