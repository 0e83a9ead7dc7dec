# TRUTHS of motion in flawed fields: rigid and flowing clouds = the float64 reference in bent coils, concomitant fields, drift and
#   the magnet's own field | a shift through a quadratic coil gives the difference of its shapes
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Course, FieldMap, Flaws, RigidMotion
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.cloud import play_cloud, reference
from tests.simulate.moving import FINE, RIGID, SPEC, WIDE, bipolar, bowl, flowing, pipe, semicircle, staying, within
from tests.simulate.small import GRE, built, cut, error
from tests.simulate.test_cloud import spins

PPM = FieldMap(values=(40 * WIDE.points_m()[..., 0] ** 2 + 5 * WIDE.points_m()[..., 2])[None], grid=WIDE, unit="ppm")
UNEVEN = replace(SPEC, flaws=Flaws(gradient_fields_m=bowl(WIDE), concomitant=True, field_ppm=PPM, drift_Hz_per_s=20.0))


@pytest.mark.parametrize("name", ["rigid", "flowing", "flowing in a head that turns"])
def test_what_moves_meets_flawed_fields_where_it_is(name):
    """Bent coils, concomitant fields and the magnet's own, for a rigid body and for flow; concomitant fields for both at once."""
    spec = replace(SPEC, flaws=Flaws(concomitant=True)) if "head" in name else UNEVEN
    sequence = cut(built(GRE, SPEC, dummy_views=0), 1)
    cloud = replace(spins(30), motion=RIGID) if name == "rigid" else staying(within(semicircle(), 30), sequence)
    if "head" in name:
        cloud = replace(cloud, motion=RIGID)
    wanted = reference(cloud, sequence, spec)
    assert error(play_cloud(cloud, sequence, spec), wanted) < 1e-5
    assert error(play_cloud(cloud, sequence), wanted) > (1e-4 if "head" in name else 1e-2)


def test_flow_under_flaws_is_the_reference():
    sequence, spec = cut(built(GRE, SPEC, dummy_views=1), 2), replace(SPEC, flaws=Flaws(drift_Hz_per_s=100.0))
    cloud = flowing(spins(20), pipe(peak_velocity_m_per_s=0.2, length_m=0.4))
    assert error(play_cloud(cloud, sequence, spec), reference(cloud, sequence, spec)) < 1e-5


def test_a_shift_through_a_quadratic_coil_gives_its_phase():
    """Bz = G (x + 2 z^2 - x y): a spin that jumps to another place between two lobes gathers the difference of the two shapes."""
    sequence, lobe = bipolar()
    base = replace(spins(1, coils=1), position_m=np.array([[0.01, 0.02, -0.03]]), off_resonance_Hz=np.zeros(1))
    away = np.array([0.004, -0.003, 0.006])
    when = sequence.block_starts_s()[1] + 8e-4
    shift = Course(times_s=np.array([when - 1e-9, when + 1e-9]), values=np.array([[0.0, 0, 0], away]))
    moving = replace(base, motion=RigidMotion(turn=replace(shift, values=np.zeros((2, 3))), shift=shift))
    spec = replace(SPEC, flaws=Flaws(gradient_fields_m=bowl(FINE)))
    found = np.angle(play_cloud(moving, sequence, spec)[0, 0] / play_cloud(base, sequence, spec)[0, 0])

    def shape(r: np.ndarray) -> float:
        return r[2] + r[0] ** 2 - r[1] ** 2  # the z coil's

    turns = GYROMAGNETIC_RATIO_HZ_PER_T * lobe.area_T_s_per_m * (shape(base.position_m[0]) - shape(base.position_m[0] + away))
    np.testing.assert_allclose(np.exp(1j * found), np.exp(-2j * np.pi * turns), atol=1e-4)
