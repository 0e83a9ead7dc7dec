# TRUTHS of currents on cylinders: field of a mode = Biot-Savart of its dense wires | stored energy = 1/2 L I^2 of those wires
# | the energy integral does not depend on where its tail begins | an ideal infinite shield leaves no field outside, and the
# bore's image is the field of just such a shield | an odd z mode or an even transverse one makes no gradient (the parity guard)
# | image of wires by path integrals = image of the sheet | images add up over parts of a loop
import numpy as np
import pytest

from fullbore.errors import ValueRangeError
from fullbore.hardware.gradient import images, sheet
from fullbore.hardware.gradient.contours import SheetCurrent, cylinder_loops
from fullbore.hardware.gradient.segments import mutual_inductance, wire_field
from fullbore.hardware.gradient.sheet import Sheet, axial_field, image_field, inductances, sampled, slopes, transform

TRANSVERSE = Sheet(radius_m=0.36, length_m=1.2, modes=3, order=1)
AXIAL = Sheet(radius_m=0.36, length_m=1.2, modes=3, order=0)
WEIGHTS = np.array([1.0, -0.4, 0.2])


def dense(of, turns=300):
    """Wires along the lines of a mix of modes, `turns` of them from zero to the peak, and the current of each."""
    heights = np.linspace(-of.length_m / 2, of.length_m / 2, 1601)
    current = SheetCurrent(radius_m=of.radius_m, order=of.order, heights_m=heights, profile_A=sampled(of, heights) @ WEIGHTS)
    step = np.abs(current.profile_A).max() / turns
    return [loop.points_m for loop in cylinder_loops(current, step)], step


def closed(paths):
    return [np.concatenate([path, path[:1]]) for path in paths]


@pytest.mark.parametrize("of", [TRANSVERSE, AXIAL])
def test_field_of_dense_wires(of):
    paths, step = dense(of)
    points = np.array([[0.1, 0.0], [0.05, 0.15], [0.2, 0.1], [0.0, 0.2], [0.55, 0.1]])
    wires = step * wire_field(np.column_stack([points[:, 0], 0 * points[:, 0], points[:, 1]]), closed(paths))[:, 2]
    wanted = axial_field(of, points) @ WEIGHTS
    # chords of 2 cm lose 1e-4 of a loop's area; 300 turns stand for an even sheet
    assert np.abs(wires - wanted).max() < 1e-3 * np.abs(wanted).max()


@pytest.mark.parametrize("of", [TRANSVERSE, AXIAL])
def test_energy_is_that_of_the_wires(of):
    paths, step = dense(of, 30)
    own = float(WEIGHTS @ inductances(of, of) @ WEIGHTS)
    # a conductor as wide as its spacing d makes the sheet even: its mean distance is d / exp(1.5) = 0.223 d
    slope = np.abs(slopes(of, np.linspace(-0.59, 0.59, 200)) @ WEIGHTS).mean()
    wires = step**2 * mutual_inductance(closed(paths), closed(paths), 0.2235 * step / slope)
    # one mean distance for spacings that differ severalfold
    assert wires == pytest.approx(own, rel=0.02)


def test_energy_tail(monkeypatch):
    for of in (TRANSVERSE, AXIAL):
        whole = inductances(of, of)
        assert np.allclose(whole, whole.T) and np.linalg.eigvalsh(whole).min() > 0
        with monkeypatch.context() as patched:
            patched.setattr(sheet, "ENERGY_LIMIT_PER_M", 6000.0)
            assert np.allclose(inductances(of, of), whole, rtol=1e-7, atol=1e-9 * whole.max())


@pytest.mark.parametrize("of", [TRANSVERSE, AXIAL])
def test_infinite_shield_cancels_outside(of):
    bore = 0.5
    k, weights = sheet.wave_grid(60.0)
    inner, outer = (sheet.bessel_slopes(of.order, k * radius)[0] * np.exp(k * radius) for radius in (of.radius_m, bore))
    spectrum = -of.radius_m * inner / (bore * outer) * (WEIGHTS @ transform(of, k))
    heights = np.linspace(-2.5, 2.5, 3001)
    wave = np.sin(np.outer(heights, k)) if of.order else np.cos(np.outer(heights, k))
    shield = SheetCurrent(radius_m=bore, order=of.order, heights_m=heights, profile_A=wave @ (spectrum * weights) / np.pi)
    step = np.abs(shield.profile_A).max() / 150
    own, own_step = dense(of)
    answer = closed([loop.points_m for loop in cylinder_loops(shield, step)])
    outside = np.array([[0.7, 0.0, 0.1], [0.65, 0.1, 0.4]])
    primary = own_step * wire_field(outside, closed(own))
    # turns of the shield stand for an even sheet only so well, 15 cm off it
    assert np.abs(primary + step * wire_field(outside, answer)).max() < 0.01 * np.abs(primary).max()
    inside = np.array([[0.1, 0.1], [0.2, 0.0], [0.15, 0.2]])
    places = np.column_stack([inside[:, 0], 0 * inside[:, 0], inside[:, 1]])
    wanted = image_field(of, bore, inside) @ WEIGHTS
    # as above: few turns where the shield's current thins out
    assert np.abs(step * wire_field(places, answer)[:, 2] - wanted).max() < 5e-3 * np.abs(wanted).max()


@pytest.mark.parametrize("of", [TRANSVERSE, AXIAL])
def test_images_of_wires(of):
    paths, step = dense(of, 40)
    points = np.array([[0.2, 0.0, 0.05], [0.1, 0.0, 0.2], [0.0, 0.0, 0.15]])
    wanted = image_field(of, 0.5, points[:, [0, 2]]) @ WEIGHTS
    found = step * images.image_field(points, paths, 0.5)
    # 40 turns stand for the sheet
    assert np.abs(found - wanted).max() < 2e-3 * np.abs(wanted).max()
    with pytest.raises(ValueRangeError, match="wanted within the bore"):
        images.image_field(points, paths, 0.3)


def test_images_of_leads_off_the_cylinder():
    """A loop with radial sides within the bore: its image is that of the same flux, by a mesh-free identity (reciprocity)."""
    first = np.array([[0.3, 0.0, 0.1], [0.45, 0.0, 0.1], [0.45, 0.0, 0.3], [0.3, 0.0, 0.3]])
    points = np.array([[0.1, 0.05, 0.0], [-0.1, 0.1, 0.1]])
    fine = [np.concatenate([np.linspace(a, b, 40)[:-1] for a, b in zip(first, np.roll(first, -1, axis=0), strict=True)])]
    halves = [
        np.array([[0.3, 0.0, low], [0.45, 0.0, low], [0.45, 0.0, high], [0.3, 0.0, high]])
        for low, high in ((0.1, 0.2), (0.2, 0.3))
    ]
    cut = [np.concatenate([np.linspace(a, b, 40)[:-1] for a, b in zip(h, np.roll(h, -1, axis=0), strict=True)]) for h in halves]
    whole, parts = images.image_field(points, fine, 0.5), images.image_field(points, cut, 0.5)
    assert np.abs(whole - parts).max() < 1e-4 * np.abs(whole).max()


def test_parity_guard():
    """Sine for transverse and cosine for z coils: the other choice has no gradient, and this is how it would show."""
    for of, point in ((TRANSVERSE, [[0.01, 0.0]]), (AXIAL, [[0.0, 0.01]])):
        gradient = np.abs(axial_field(of, np.array(point))) / 0.01
        assert gradient.min() > 1e-9
        heights = np.linspace(-0.6, 0.6, 401)
        shape = sampled(of, heights) @ WEIGHTS
        wrong = np.cos(np.pi * heights / 1.2) if of.order else np.sin(2 * np.pi * heights / 1.2)
        for profile, good in ((shape, True), (wrong, False)):
            loops = cylinder_loops(SheetCurrent(radius_m=0.36, order=of.order, heights_m=heights, profile_A=profile), 0.1)
            step = 0.01 * np.eye(3)[0 if of.order else 2]
            above, below = wire_field(np.array([step, -step]), closed([loop.points_m for loop in loops]))[:, 2]
            scale = np.abs(wire_field(np.array([[0.2, 0.0, 0.2]]), closed([loop.points_m for loop in loops]))).max()
            assert (abs(above - below) > 1e-3 * scale) == good
