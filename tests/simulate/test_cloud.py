# TRUTHS of the cloud: every sequence = the float64 reference to 1e-5: hard, selective, offset, inverting and turning pulses,
#   lines, lines both ways, spokes, spirals, and spins whose relaxation times all differ
#   | spins of 10 us T2 = the reference
#   | raw data of a cloud have the receivers' noise | the example runs, and classes agree with the cloud within 1 %
#   | a free spin follows its closed form | the same bytes for any number of threads | spins in any order give the same signal
#   | NaN and negative T1 are refused by name
from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fullbore.data import Adc, Gradient, RfPulse, Sequence
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.simulate import acquire, trajectory
from fullbore.simulate.cloud import SpinCloud, acquire_cloud, play_cloud, reference, scatter
from fullbore.simulate.cloud.pulses import CloudPulses, integrate
from fullbore.simulate.cloud.spots import make_spots
from fullbore.simulate.fields import IDEAL
from fullbore.simulate.timeline import compile_timeline
from tests.simulate.small import GRE, MPRAGE, TSE, built, error, machine, rod

SPEC = machine()


def spins(count: int = 60, seed: int = 0, coils: int = 3) -> SpinCloud:
    """Anything anywhere within 10 cm."""
    random = np.random.default_rng(seed)
    return SpinCloud(
        position_m=random.uniform(-0.05, 0.05, (count, 3)), amount=random.uniform(0.5, 1, count),
        t1_s=random.uniform(0.3, 2, count), t2_s=random.uniform(0.02, 0.2, count), off_resonance_Hz=random.normal(0, 100, count),
        b1_scale=random.uniform(0.7, 1.2, count) * np.exp(1j * random.normal(0, 1, count)),
        sensitivity=(random.normal(size=(coils, count)) + 1j * random.normal(size=(coils, count))).astype(np.complex64),
    )  # fmt: skip


def turning() -> Sequence:
    """A 2D pulse under gradients that turn, then a spiral, then an echo planar pair of lines; all three axes at once."""
    t = np.arange(201) * 10e-6
    spiral = [
        Gradient(times_s=t, values_T_per_m=8e-3 * (t / t[-1]) * wave)
        for wave in (np.cos(2e4 * t), np.sin(2e4 * t), np.cos(9e3 * t))
    ]
    line = Gradient(times_s=np.array([0.0, 1e-4, 1.9e-3, 2e-3]), values_T_per_m=np.array([0.0, 15e-3, 15e-3, 0.0]))
    pulse = RfPulse(
        b1_T=5e-6 * np.hanning(150).astype(complex), raster_s=10e-6, delay_s=2e-4, centre_s=7.5e-4, flip_rad=1.0, use="e"
    )
    adc = Adc(samples=40, dwell_s=40e-6, delay_s=2e-4)
    blocks = [((0, 1, 2), 0), ((0, 1, -1), 1), ((3, -1, 1), 1), ((3, 2, -1), 1), ((1, 0, 2), 0), ((3, -1, 3), 1)]
    count = len(blocks)
    encoding = built(GRE, SPEC).encoding.take(np.arange(4))
    return Sequence(
        name="turning", rf_pulses=(pulse,), gradients=(*spiral, line), adcs=(adc,), duration_s=np.full(count, 2e-3),
        rf=np.array([0 if kind == 0 else -1 for _, kind in blocks]), rf_phase_rad=np.linspace(0, 2, count),
        rf_frequency_Hz=np.full(count, 150.0), gradient=np.array([axes for axes, _ in blocks], np.int32),
        gradient_scale=np.array([[1, 1, 1], [1, 1, 1], [1, 1, 0.5], [-1, 0.3, 1], [1, -1, 1], [1, 1, 0.2]], float),
        adc=np.array([0 if kind == 1 else -1 for _, kind in blocks]), adc_phase_rad=np.linspace(0, 1, count),
        encoding=replace(encoding, samples=40, dwell_s=40e-6),
    )  # fmt: skip


@pytest.mark.parametrize("protocol", [GRE, MPRAGE, TSE], ids=lambda protocol: protocol["name"])
def test_a_sequence_of_the_library_is_the_reference(protocol):
    cloud, sequence = scatter(rod(8), SPEC, (1, 1, 3)), built(protocol, SPEC)
    assert error(play_cloud(cloud, sequence), reference(cloud, sequence)) < 1e-5


def test_any_gradients_and_trajectories_are_the_reference():
    cloud = spins()
    assert error(play_cloud(cloud, turning()), reference(cloud, turning())) < 1e-5


def test_spokes_of_many_directions_are_the_reference():
    sequence, cloud = built(GRE, SPEC), spins(300)
    turn = np.cumsum(sequence.rf >= 0) * 1.94
    gradient, scale = sequence.gradient.copy(), sequence.gradient_scale.copy()
    gradient[:, 1] = gradient[:, 2]
    scale[:, 1], scale[:, 2] = np.sin(turn) * scale[:, 2], np.cos(turn) * scale[:, 2]
    radial = replace(sequence, gradient=gradient, gradient_scale=scale)
    assert error(play_cloud(cloud, radial), reference(cloud, radial)) < 1e-5


@pytest.mark.parametrize("protocol", [GRE, MPRAGE, TSE], ids=lambda protocol: protocol["name"])
def test_spins_of_many_relaxation_times_are_the_reference(protocol):
    cloud, sequence = spins(100), built(protocol, SPEC)
    assert error(play_cloud(cloud, sequence), reference(cloud, sequence)) < 1e-5


def test_spins_that_decay_at_once_are_the_reference():
    sequence, cloud = built(GRE, SPEC, matrix=[4, 4, 4], dummy_views=1), spins()
    plastic = replace(cloud, t2_s=np.where(np.arange(len(cloud)) % 2, 1e-5, cloud.t2_s))
    got = play_cloud(plastic, sequence)
    assert error(got, reference(plastic, sequence)) < 1e-5
    assert not play_cloud(replace(cloud, t2_s=np.full(len(cloud), 1e-6)), sequence).any()


def test_tables_are_the_reference():
    """Enough spins for pulses to be looked up rather than integrated."""
    count, few = 20_000, spins(1)
    many = replace(spins(count, 1, 1), t1_s=np.full(count, few.t1_s[0]), t2_s=np.full(count, few.t2_s[0]))
    sequence = built(TSE, SPEC, slice_thickness="20 mm")
    timeline = compile_timeline(sequence)
    pulses, one = CloudPulses(timeline, make_spots(many, IDEAL)), many.take(np.arange(300))
    assert all(shape is not None and shape.table is not None for shape in pulses._shapes)
    for (kind, frequency_Hz, _), looked_up in zip(
        pulses.played, pulses.terms(make_spots(one, IDEAL), one.position_m, np.arange(len(pulses.played))), strict=True
    ):
        assert (
            np.abs(
                looked_up.T - integrate(timeline.kinds[int(kind)], one, one.position_m, np.abs(one.b1_scale), frequency_Hz)
            ).max()
            < 2e-6
        )
    difference = play_cloud(many, sequence) - play_cloud(many.take(np.arange(300, count)), sequence)
    assert error(difference, reference(one, sequence)) < 1e-4  # what is left of much larger sums


def test_a_free_spin_follows_its_closed_form():
    sequence = built(GRE, machine(b1=False), matrix=[8, 4, 4], dummy_views=0)
    place, field_Hz = np.array([0.004, -0.003, 0.006]), 37.0
    cloud = SpinCloud(
        position_m=place[None], amount=np.ones(1), t1_s=np.array([1e6]), t2_s=np.array([1e5]),
        off_resonance_Hz=np.array([field_Hz]), b1_scale=np.ones(1), sensitivity=np.ones((1, 1), np.complex64),
    )  # fmt: skip
    first = play_cloud(cloud, sequence)[0, 0]
    k = sequence.encoding.trajectory_per_m()[0]
    time_s = np.arange(len(first)) * sequence.encoding.dwell_s
    ratio = first * np.exp(2j * np.pi * (k @ place + field_Hz * time_s))
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    flip = sequence.encoding.flip_rad
    assert abs(ratio[0]) == pytest.approx(np.sin(flip), rel=1e-4)


def test_the_same_bytes_for_any_number_of_threads_and_nearly_for_any_order():
    cloud, sequence = scatter(rod(), SPEC, (2, 2, 8)), built(GRE, SPEC)
    one = play_cloud(cloud, sequence, threads=1)
    assert one.tobytes() == play_cloud(cloud, sequence, threads=3).tobytes()
    mixed = cloud.take(np.random.default_rng(0).permutation(len(cloud)))
    assert error(play_cloud(mixed, sequence), one) < 1e-6


def test_acquired_clouds_have_the_array_s_noise_and_the_true_trajectory():
    cloud, sequence = scatter(rod(8), SPEC, (1, 1, 3)), built(GRE, SPEC)
    raw, clean = acquire_cloud(cloud, sequence, SPEC, seed=4), play_cloud(cloud, sequence)
    np.testing.assert_array_equal(raw.trajectory_per_m, trajectory(sequence))
    again = acquire(rod(8), sequence, SPEC, seed=4)
    np.testing.assert_array_equal(raw.noise, again.noise)  # the same receivers
    noise = raw.samples - clean
    assert noise.std() > 0 and raw.provenance["spins"] == str(len(cloud))
    with pytest.raises(ShapeError, match="samples of 3 coils, wanted 12"):
        acquire_cloud(spins(5), sequence, SPEC)


@pytest.mark.slow
def test_the_example_runs_and_both_ways_agree():
    script = Path(__file__).parents[2] / "examples" / "exact_spins.py"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.rsplit(" ", 1)[1]) < 0.01


def test_a_phantom_stored_backwards_scatters_the_same_spins():
    phantom = rod(8)
    affine = phantom.grid.affine_m.copy()
    affine[2, 3] += affine[2, 2] * (phantom.grid.shape[0] - 1)
    affine[2, 2] *= -1
    turned = replace(phantom, fractions=phantom.fractions[:, ::-1].copy(), grid=replace(phantom.grid, affine_m=affine))
    one, other = (scatter(body, SPEC, (1, 1, 3)) for body in (phantom, turned))
    for name in ("position_m", "amount", "off_resonance_Hz", "sensitivity"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-6, atol=1e-15)


def test_bad_clouds_are_refused_by_name():
    cloud = spins(4)
    with pytest.raises(ValueRangeError, match="off_resonance_Hz: NaN or infinity at spin 2"):
        replace(cloud, off_resonance_Hz=np.array([0, 0, np.nan, 0]))
    with pytest.raises(ValueRangeError, match="positive T1"):
        replace(cloud, t1_s=np.array([1.0, 1, -1, 1]))
