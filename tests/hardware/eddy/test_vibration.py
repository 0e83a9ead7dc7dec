# TRUTHS of the coil's cylinder: rigid motions cost nothing | a short thin ring rings at Rayleigh's frequencies | a slender
# | tube bends like Euler's beam and stretches like a rod | frequencies go with sqrt(E / rho) and 1 / size | a loop pushes the
# | breathing motion with 2 pi a B0 I w | closed currents in an even field push no rigid motion | wires = sheet
# | well under the lowest mode the wall follows the force, at a mode it is 1 / loss | bands are where the limit is reached
from dataclasses import replace

import numpy as np
import pytest

from fullbore.errors import ValueRangeError
from fullbore.hardware.eddy import SheetSpace, sheet_coil
from fullbore.hardware.eddy.sound import FREQUENCIES_HZ, SoundLimits, sound_model, wall_velocity
from fullbore.hardware.eddy.vibration import CoilBody, sheet_force, shell_motion, wire_force
from fullbore.hardware.eddy.wires import loop_track, saddle_tracks

BODY = CoilBody(inner_radius_m=0.397, outer_radius_m=0.495, half_length_m=0.75, young_Pa=15e9, density_kg_per_m3=2100.0)


@pytest.mark.parametrize(("order", "rigid"), [(0, 1), (1, 2), (2, 0)])
def test_rigid_motions_cost_nothing(order, rigid):
    frequency = shell_motion(BODY, order).frequency_Hz
    assert (frequency[:rigid] < 0.01).all() and frequency[rigid] > 100


@pytest.mark.parametrize("order", [2, 3, 4])
def test_a_ring(order):
    ring = CoilBody(
        inner_radius_m=0.399, outer_radius_m=0.401, half_length_m=0.01, young_Pa=15e9, density_kg_per_m3=2100.0, poisson=0.0
    )
    m, a = order, ring.radius_m
    wanted = np.sqrt(15e9 * ring.wall_m**2 / 12 / 2100 / a**4 * (m * (m * m - 1)) ** 2 / (m * m + 1)) / (2 * np.pi)
    assert shell_motion(ring, order, 5).frequency_Hz[0] == pytest.approx(wanted, rel=1e-4)


def test_a_slender_tube_is_a_beam_and_a_rod():
    tube = CoilBody(inner_radius_m=0.0099, outer_radius_m=0.0101, half_length_m=1.0, young_Pa=15e9, density_kg_per_m3=2100.0)
    speed = np.sqrt(15e9 / 2100)
    bends = (4.730040745 / 2) ** 2 * speed * 0.01 / np.sqrt(2) / (2 * np.pi)
    assert shell_motion(tube, 1).frequency_Hz[2] == pytest.approx(bends, rel=2e-3)  # Euler's beam knows no shear and no rotation
    assert shell_motion(tube, 0).frequency_Hz[1] == pytest.approx(speed / 4, rel=1e-4)


def test_scaling():
    plain = shell_motion(BODY, 1).frequency_Hz[2:6]
    stiff = shell_motion(replace(BODY, young_Pa=4 * BODY.young_Pa), 1).frequency_Hz[2:6]
    twice = CoilBody(inner_radius_m=0.794, outer_radius_m=0.99, half_length_m=1.5, young_Pa=15e9, density_kg_per_m3=2100.0)
    assert stiff == pytest.approx(2 * plain, rel=1e-6)
    assert shell_motion(twice, 1).frequency_Hz[2:6] == pytest.approx(plain / 2, rel=1e-6)


def test_forces():
    breathing = shell_motion(BODY, 0)
    z = np.array([0.2])
    found = wire_force(breathing, [loop_track(0.41, 0.2, corners=720)], 3.0)
    assert found == pytest.approx(2 * np.pi * 0.41 * 3.0 * breathing.shape(breathing.outward, z)[0], rel=1e-4, abs=1e-6)
    bending = shell_motion(BODY, 1)
    saddles = wire_force(bending, saddle_tracks(0.41, 0.16, 0.6, 2.0), 3.0)
    assert np.abs(saddles[:2]).max() < 1e-4 * np.abs(saddles).max()
    turned = wire_force(bending, saddle_tracks(0.41, 0.16, 0.6, 2.0, "y"), 3.0, sine=True)
    assert np.abs(turned - saddles).max() < 1e-9 * np.abs(saddles).max()
    space = SheetSpace(primary_radius_m=0.41, shield_radius_m=0.485, primary_half_m=0.65, shield_half_m=0.75)
    sheet = sheet_force(bending, sheet_coil("x", space), 3.0)
    assert np.abs(sheet[:2]).max() < 1e-6 * np.abs(sheet).max()


def test_the_wall_follows_and_rings():
    motion = shell_motion(BODY, 0)
    force = np.zeros(len(motion.frequency_Hz))
    mode = 2
    force[mode] = 1.0
    own = float(motion.frequency_Hz[mode])
    slow, rung = wall_velocity(BODY, (motion,), (force,), np.array([own / 100, own]))
    assert rung / slow == pytest.approx(100 / BODY.loss_factor, rel=2e-3)  # (1 - 1e-4) of the stiffness at a hundredth
    x, weight = np.polynomial.legendre.leggauss(60)
    shape = motion.shape(motion.outward, BODY.half_length_m * x)[:, mode]
    assert rung == pytest.approx(np.sqrt(weight @ shape**2 / 2) / (2 * np.pi * own * BODY.loss_factor), rel=1e-9)


def test_bands_are_where_the_limit_is_reached():
    velocity = 1.0 + 20.0 / (1 + ((FREQUENCIES_HZ - 800.0) / 20.0) ** 2)
    model = sound_model(BODY, [velocity, velocity, velocity], 0.04, SoundLimits(velocity_m_per_s=0.1, share=0.5))
    assert len(model.bands) == 1
    band = model.bands[0]
    assert band.low_Hz < 800 < band.high_Hz and band.limit_T_per_m == pytest.approx(0.1 / 21.0, rel=1e-9)
    edge = 20 * np.sqrt(20 / (0.1 / 0.02 - 1) - 1)
    assert (band.high_Hz - band.low_Hz) / 2 == pytest.approx(edge, abs=5.0)
    assert model.ring_s == pytest.approx(1 / (np.pi * 800 * BODY.loss_factor), rel=0.01)  # frequencies are 2.5 Hz apart
    quiet = sound_model(BODY, [velocity] * 3, 0.04, SoundLimits(velocity_m_per_s=10.0))
    assert quiet.bands == ()


def test_a_body_of_nothing_is_refused():
    with pytest.raises(ValueRangeError, match="CoilBody"):
        replace(BODY, young_Pa=0.0)
    with pytest.raises(ValueRangeError, match="inner < outer"):
        replace(BODY, outer_radius_m=0.3)
