# TRUTHS of absorption: a uniform body's cubes hold the same SAR | every cube has its mass, by plain counting | voxels' power
# sums to the body's | w^H Q w = the mean of the field that w makes | observation points never underestimate, for any drive, and
# by no more than stated | one channel: the maximum | the adapter gives back what was put in: mean B1+ 1, SAR per T^2 | SAR
# limits refuse with a value that passes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from fullbore.errors import LimitError, ShapeError, UsageError, ValueRangeError
from fullbore.hardware.full_wave import BodyFields, load_transmit_brief, parse_transmit_brief, transmit_model, transmit_presets
from fullbore.hardware.full_wave.brief import TransmitLimits, refuse_power
from fullbore.hardware.full_wave.observation_points import observation_points, worst_sar
from fullbore.hardware.full_wave.sar import local_matrices, mass_cubes, point_sar, voxel_power_W
from fullbore.hardware.full_wave.solution import absorbed_W
from fullbore.hardware.full_wave.transmit import combined, phase_aligned, quadrature
from tests.hardware.full_wave.bodies import LARMOR_Hz, sphere_body


def _fields(channels=3, spacing_m=0.006, seed=0):
    """A smooth made-up field in a ball: the bookkeeping must hold for any."""
    body = sphere_body(spacing_m, [(0.03, 50.0, 0.4), (0.05, 12.0, 0.9)])
    rng = np.random.default_rng(seed)
    edges, points = body.edge_points_m(), body.grid.points_m()

    def smooth(places, shape):
        wave = rng.normal(size=(*shape, 3)) * 20
        size = rng.normal(size=shape) + 1j * rng.normal(size=shape)
        return size[..., None, None, None] * np.exp(1j * np.einsum("...k,zyxk->...zyx", wave, places))

    electric = np.stack([smooth(edges[i], (channels,)) for i in range(3)], axis=1)
    magnetic = 1e-6 * smooth(points, (channels, 3))
    return BodyFields(
        body=body, frequency_Hz=LARMOR_Hz, edge_current=electric, edge_electric=electric, magnetic=magnetic,
        iterations=(1,) * channels, residuals=(0.0,) * channels,
    )  # fmt: skip


def test_cubes_hold_their_mass():
    body = sphere_body(0.006, [(0.05, 50.0, 0.5)], air=2)
    cubes = mass_cubes(body)
    assert_allclose(cubes.means(body.mass_kg), 1, rtol=1e-9)
    assert cubes.means(np.where(body.matter, 3.0, 0) * body.mass_kg) == pytest.approx(3, rel=1e-9)
    # by plain counting: the whole layers hold at most ten grams, with the next they hold more
    for number in range(0, len(cubes.reach), 97):
        z, y, x = cubes.centres[number]
        held = [
            body.mass_kg[max(z - n, 0) : z + n + 1, max(y - n, 0) : y + n + 1, max(x - n, 0) : x + n + 1].sum()
            for n in (cubes.reach[number], cubes.reach[number] + 1)
        ]
        assert held[0] <= 0.010 + 1e-12 and held[1] >= 0.010 - 1e-12
    assert cubes.whole.any() and not cubes.whole.all() and np.all(cubes.counted >= cubes.whole)


def test_map_shows_the_greatest_and_covers_the_body():
    fields = _fields(1)
    cubes = mass_cubes(fields.body)
    means = cubes.means(voxel_power_W(fields, np.ones(1, complex)))
    shown = cubes.spread(means)
    assert shown.max() == pytest.approx(means[cubes.counted].max())
    assert np.all(shown[fields.body.matter] > 0) and np.all(shown[~fields.body.matter] == 0)


def test_power_sums_and_local_matrices():
    fields = _fields()
    drive = np.array([1, 0.5j, -0.3 + 0.2j])
    power = voxel_power_W(fields, drive)
    total = (drive.conj() @ absorbed_W(fields) @ drive).real
    assert power.sum() == pytest.approx(total, rel=1e-9)
    assert (point_sar(fields, drive) * fields.body.mass_kg).sum() == pytest.approx(total, rel=1e-9)
    cubes = mass_cubes(fields.body)
    local = local_matrices(fields, cubes)
    expected = cubes.means(power)[cubes.counted]
    assert_allclose(np.einsum("a,qab,b->q", drive.conj(), local, drive).real, expected, rtol=1e-9)
    assert np.linalg.eigvalsh(local).min() > -1e-9 * np.linalg.eigvalsh(local).max()
    one = combined(fields, drive)
    assert_allclose(voxel_power_W(one, np.ones(1, complex)), power, rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), channels=st.integers(2, 6), overestimate=st.sampled_from([0.02, 0.1, 0.5]))
def test_observation_points_never_underestimate(seed, channels, overestimate):
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(120, channels, 2)) + 1j * rng.normal(size=(120, channels, 2))
    matrices = rng.exponential(size=(120, 1, 1)) * roots @ roots.conj().transpose(0, 2, 1)
    points = observation_points(matrices, overestimate)
    drives = rng.normal(size=(300, channels)) + 1j * rng.normal(size=(300, channels))
    # also the drives that are worst for single cubes
    drives = np.concatenate([drives, np.linalg.eigh(matrices)[1][:, :, -1]])
    bound, true = worst_sar(points, drives), worst_sar(matrices, drives)
    assert np.all(bound >= true)
    allowed = overestimate * np.linalg.eigvalsh(matrices)[:, -1].max() * (np.abs(drives) ** 2).sum(axis=1)
    assert np.all(bound <= true + allowed * (1 + 1e-6))
    assert len(points) <= len(matrices)
    # each matrix lies under one of them
    under = [min(np.linalg.eigvalsh(q - p)[-1] for p in points) for q in matrices[:20]]
    assert max(under) <= 0


def test_observation_points_of_one_channel_and_refusals():
    values = np.array([1.0, 3.0, 2.0]).reshape(3, 1, 1) + 0j
    assert observation_points(values) == pytest.approx(3.0)
    with pytest.raises(ValueRangeError, match="overestimate"):
        observation_points(values, 0.0)
    with pytest.raises(ShapeError, match="Hermitian"):
        observation_points(np.array([[[1, 1], [0, 1]]], complex))
    with pytest.raises(ShapeError, match="no matrices"):
        observation_points(np.zeros((0, 2, 2), complex))
    with pytest.raises(ValueRangeError, match="more overestimation"):
        observation_points(np.stack([np.diag([1, 0]), np.diag([0, 1])]) + 0j, 0.01, most=1)
    with pytest.raises(ValueRangeError, match="weighs"):
        mass_cubes(sphere_body(0.006, [(0.05, 50.0, 0.5)]), 5.0)
    with pytest.raises(ValueRangeError, match="smaller voxels"):
        mass_cubes(sphere_body(0.03, [(0.1, 50.0, 0.5)]))


def test_adapter_gives_back_what_was_put_in():
    fields = _fields()
    drive = phase_aligned(fields)
    model = transmit_model(fields, drive, source="test", body_mass_kg=70.0)
    driven = np.abs(np.tensordot(drive.conj(), model.relative.values, axes=1))
    middle = np.abs(fields.body.grid.axis_positions_m(2)) <= 0.01
    assert driven[fields.body.matter & middle[:, None, None]].mean() == pytest.approx(1, rel=1e-5)
    power = (drive.conj() @ absorbed_W(fields) @ drive).real / model.reference_T_per_A**2
    mass = fields.body.mass_kg.sum()
    assert model.power.head_W_per_kg_per_T2 == pytest.approx(power / mass)
    assert model.power.whole_body_W_per_kg_per_T2 == pytest.approx(power / 70)
    local = model.power.local_factor * model.power.head_W_per_kg_per_T2
    bound = worst_sar(model.power.observation_points, drive)
    assert bound >= local * (1 - 1e-9)
    assert model.power.forward_W_per_T2 > power
    turned = quadrature(_fields(2))
    assert transmit_model(turned, np.ones(1, complex), source="test").power.observation_points.shape == (1, 1, 1)


def test_briefs():
    assert {"body-birdcage-3t", "head-birdcage-3t", "head-loops-8-3t"} <= set(transmit_presets())
    for name in transmit_presets():
        brief = load_transmit_brief(name)
        assert brief.name == name and brief.coil.currents().channels == (8 if brief.coil.kind == "loops" else 2)
    good = {"name": "a", "source": "b", "coil": {"kind": "loops", "elements": 4, "radius": "15 cm", "length": "20 cm"}}
    assert parse_transmit_brief(good, "x").coil.radius_m == pytest.approx(0.15)
    for change, match in (
        ({"elements": 1}, "elements"),
        ({"kind": "spiral"}, "kind"),
        ({"radius": "15 kg"}, "radius"),
        ({"colour": "red"}, "unknown key"),
        ({"shield_radius": "20 cm"}, "birdcage's"),
        ({"kind": "birdcage", "shield_radius": "14 cm"}, "shield"),
    ):
        with pytest.raises(UsageError, match=match):
            parse_transmit_brief({**good, "coil": {**good["coil"], **change}}, "x")
    with pytest.raises(UsageError, match="unknown"):
        load_transmit_brief("none")


def test_sar_limits_refuse_with_a_value_that_passes():
    limits = TransmitLimits(b1_rms_T=5e-6, subject_sar_W_per_kg=3.2, local_sar_W_per_kg=10.0)
    with pytest.raises(LimitError, match="local 10 g SAR") as caught:
        refuse_power(limits, 0.2e12, 0.8e12)
    allowed = float(str(caught.value).split("Ask for ")[1].split(" uT")[0])
    refuse_power(TransmitLimits(b1_rms_T=allowed * 1e-6, local_sar_W_per_kg=10.0), 0.2e12, 0.8e12)
    assert allowed == pytest.approx((10 / 0.8) ** 0.5, rel=1e-3)
