"""Trajectories corrected by a measured gradient impulse response."""

# TRUTHS of the path that was played: a machine without flaws changes no bit | a late machine plays the same path later, in closed
#   form, with and without the sequence | a gain scales the path | eddy currents, ringing, cross terms: the integral of the true
#   gradients to 0.01 cells from the sequence, a fifth of the nominal error from the trajectory alone | the uniform field's turns
#   | refocusing turns the signs | data relative to the image's centre stay there | the response from chirps and from triangles is
#   the true one, noise and all | wrong inputs by name

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fullbore.data import EddyMode, GradientImpulseResponse, GradientResponse
from fullbore.errors import DataError, ShapeError, ValueRangeError
from fullbore.hardware.gradient_response import frequency_response
from fullbore.recon.calibration.impulse_response import measured_impulse_response
from fullbore.recon.calibration.lead_in import lead_in_moments, lead_in_s
from fullbore.recon.calibration.played_path import with_played_path
from fullbore.simulate.trajectory import trajectory
from tests.recon.played import FREQUENCY_HZ, MACHINE, RADIAL, SPIRAL, girf_of, sequence_of, truth, unmeasured
from tests.simulate.small import TSE, built, machine

FOV = 0.2
EYE = np.eye(4, 3)[:, :, None] * np.ones(len(FREQUENCY_HZ)) + 0j


@pytest.fixture(scope="module", params=[SPIRAL, RADIAL], ids=["spiral", "radial"])
def sequence(request):
    return sequence_of(request.param)[0]


@pytest.mark.parametrize("known", [True, False])
def test_a_machine_without_flaws_changes_no_bit(sequence, known):
    raw = unmeasured(sequence)
    same = with_played_path(raw, GradientImpulseResponse(frequency_Hz=FREQUENCY_HZ, response=EYE), sequence if known else None)
    assert_array_equal(same.trajectory_per_m, raw.trajectory_per_m)
    assert_array_equal(same.samples, raw.samples)


def test_a_late_machine_plays_the_same_path_later(sequence):
    late = GradientResponse(delay_s=(4e-6, 4e-6, 4e-6))
    raw = unmeasured(sequence)
    adcs = tuple(replace(window, delay_s=window.delay_s - 4e-6) for window in sequence.adcs)
    # What is played 4 us late was asked for 4 us before; along the slice its gradient is late for the pulse too.
    wanted = trajectory(replace(sequence, adcs=adcs))[..., :2]
    got = with_played_path(raw, girf_of(late), sequence).trajectory_per_m[..., :2]
    assert np.abs(raw.trajectory_per_m[..., :2] - wanted).max() * FOV > 0.1
    assert_allclose(got * FOV, wanted * FOV, atol=2e-3)
    alone = with_played_path(raw, girf_of(late)).trajectory_per_m[..., :2]
    assert_allclose(alone[:, 8:] * FOV, wanted[:, 8:] * FOV, atol=5e-3)


def test_a_gain_scales_the_path(sequence):
    gain = np.array([0.99, 1.01, 1.0])
    response = np.zeros_like(EYE)
    response[range(3), range(3)] = gain[:, None]
    raw = unmeasured(sequence)
    got = with_played_path(raw, GradientImpulseResponse(frequency_Hz=FREQUENCY_HZ, response=response), sequence)
    assert_allclose(got.trajectory_per_m * FOV, raw.trajectory_per_m * gain * FOV, atol=2e-3)


def test_the_true_gradients_integrated(sequence):
    raw, true = unmeasured(sequence), truth(sequence, MACHINE)
    path = true[..., :3] * FOV
    nominal = np.abs(raw.trajectory_per_m * FOV - path)[..., :2]
    known = with_played_path(raw, girf_of(MACHINE), sequence)
    error = np.abs(known.trajectory_per_m * FOV - path)[..., :2]
    assert nominal.max() > 0.5 and error.max() < 0.01
    alone = np.abs(with_played_path(raw, girf_of(MACHINE)).trajectory_per_m * FOV - path)[..., :2]
    assert np.sqrt((alone**2).mean()) < np.sqrt((nominal**2).mean()) / 5  # the way in is a guess
    # A grid of 5 Hz follows eddy currents for 0.2 s; those of slices that were selected before are forgotten.
    left = np.angle(known.samples[:, 0] * np.exp(-2j * np.pi * true[..., 3])) / (2 * np.pi)
    assert np.abs(left).max() < 0.02 < np.abs(true[..., 3]).max() / 3


def test_refocusing_turns_the_signs():
    sequence = built(TSE, machine())
    raw, true = unmeasured(sequence), truth(sequence, MACHINE)
    got = with_played_path(raw, girf_of(MACHINE), sequence).trajectory_per_m
    fov = np.array(sequence.encoding.geometry.fov_m)
    nominal = np.abs((raw.trajectory_per_m - true[..., :3]) * fov).max()
    assert nominal > 0.04 and np.abs((got - true[..., :3]) * fov).max() < nominal / 20


def test_data_relative_to_the_images_centre_stay_there():
    sequence = sequence_of(SPIRAL, centre=["30 mm", "10 mm", "20 mm"])[0]
    geometry = sequence.encoding.geometry
    raw = unmeasured(sequence)
    point = np.array([0.02, -0.03, 0.0]) + geometry.centre_m
    seen = replace(raw, samples=np.exp(-2j * np.pi * (raw.trajectory_per_m @ point)).astype(np.complex64)[:, None, :])
    followed = np.exp(2j * np.pi * (raw.trajectory_per_m * [1, 1, 0]) @ geometry.centre_m)
    bare = replace(seen, samples=(seen.samples * followed[:, None]).astype(np.complex64), trajectory_per_m=None)
    got = with_played_path(bare, girf_of(MACHINE), sequence)
    wanted = with_played_path(seen, girf_of(MACHINE), sequence)
    assert_allclose(got.trajectory_per_m, wanted.trajectory_per_m, atol=1e-3)
    assert_allclose(got.samples, wanted.samples, atol=2e-4)


def test_the_way_in_begins_at_rest_and_ends_at_the_readout():
    first, speed = np.array([[-200.0, 0.0, 30.0]]), np.array([[1.0e6, 0.0, -4.0e5]])
    length = lead_in_s(first, speed)
    before = np.array([length, 0.5 * length, 1e-6, 0.0])
    k = lead_in_moments(first, speed, before)[0]
    assert_allclose(k[0], 0, atol=1e-9)
    assert_allclose(k[-1], first[0], rtol=1e-12)
    assert_allclose(k[-2], first[0] - 1e-6 * speed[0], rtol=1e-12)


def chirps(count, step_s):
    """Two chirps to 25 kHz that rise over 2 ms from rest, at half the strength of a machine's slew rate."""
    t = step_s * np.arange(count)
    sweep = lambda top: np.sin(np.pi * top * np.clip(t, 0, 0.04) ** 2 / 0.04)  # noqa: E731
    envelope = np.clip(t / 2e-3, 0, 1) * np.clip((0.04 - t) / 2e-3, 0, 1)
    return np.stack([2e-3 * envelope * sweep(25e3), 2e-3 * envelope * sweep(12e3)])


def triangles(count, step_s):
    """Of 40 to 160 us to the top, at 180 T/m/s, 2 ms from the start."""
    t = step_s * np.arange(count) - 2e-3
    return np.stack([180 * np.clip(rise - np.abs(t - rise), 0, None) for rise in np.arange(40e-6, 165e-6, 10e-6)])


@pytest.mark.parametrize("waves", [chirps, triangles])
def test_the_measured_response_is_the_true_one(waves):
    """Played by the true response, which rings out within the window; noise is that of a thousandth of the strongest field."""
    step_s, count = 5e-6, 20_000
    ringing = GradientResponse(delay_s=MACHINE.delay_s, modes=tuple(m for m in MACHINE.modes if m.time_constant_s < 0.04))
    asked = np.repeat(waves(count, step_s)[None], 3, axis=0)
    fine = np.fft.rfftfreq(count, step_s)
    played = np.fft.irfft(
        np.fft.rfft(asked)[:, :, None] * frequency_response(ringing, fine).transpose(1, 0, 2)[:, None], count, axis=-1
    )
    found = measured_impulse_response(asked, played, step_s, floor=1e-3)
    wanted = frequency_response(ringing, found.frequency_Hz)
    drawn = 0.01 / 1.01 * np.abs(wanted - np.eye(4, 3)[:, :, None])  # towards the ideal, where the power is at the floor
    assert found.frequency_Hz[-1] > 10e3 and np.all(np.abs(found.response - wanted) < drawn + 1e-6)
    noise = np.random.default_rng(1).normal(size=played.shape) * 1e-3 * np.abs(asked).max()
    noisy = measured_impulse_response(asked, played + noise, step_s, floor=1e-3)
    stray = np.sqrt((np.abs(noisy.response - wanted) ** 2).mean())
    power = (np.abs(np.fft.rfft(asked[0], axis=-1)) ** 2).sum(0)[np.isin(fine, found.frequency_Hz)]
    expected = 1e-3 * np.abs(asked).max() * np.sqrt(count) * np.sqrt((1 / power).mean())
    assert stray < 1.1 * expected + 1e-3


def test_wrong_inputs_are_refused_by_name():
    with pytest.raises(ValueRangeError, match="wanted frequencies that rise"):
        GradientImpulseResponse(frequency_Hz=FREQUENCY_HZ[::-1].copy(), response=EYE)
    with pytest.raises(ValueRangeError, match="NaN"):
        GradientImpulseResponse(frequency_Hz=FREQUENCY_HZ, response=EYE * np.nan)
    with pytest.raises(ShapeError, match=r"wanted \(f,\) and \(4, 3, f\)"):
        GradientImpulseResponse(frequency_Hz=FREQUENCY_HZ, response=EYE[:, :2])
    with pytest.raises(ValueRangeError, match="at least 8"):
        GradientImpulseResponse(frequency_Hz=FREQUENCY_HZ[:4], response=EYE[..., :4])
    with pytest.raises(ShapeError, match="measured_impulse_response"):
        measured_impulse_response(np.ones((2, 1, 50)), np.ones((2, 1, 3, 50)), 1e-5)
    with pytest.raises(ValueRangeError, match="measured_impulse_response"):
        measured_impulse_response(np.full((3, 1, 50), np.nan), np.ones((3, 1, 3, 50)), 1e-5)
    with pytest.raises(DataError, match="power at 0"):
        measured_impulse_response(np.zeros((3, 1, 50)), np.zeros((3, 1, 3, 50)), 1e-5)


def test_what_a_response_cannot_tell_is_refused_by_name():
    sequence, _ = sequence_of(SPIRAL)
    raw = unmeasured(sequence)
    low = GradientImpulseResponse(frequency_Hz=FREQUENCY_HZ[:100], response=EYE[..., :100])
    with pytest.raises(ValueRangeError, match="ends at 495 Hz"):
        with_played_path(raw, low)
    coarse_Hz = np.arange(0, 30_000, 2_500.0)
    slow = GradientResponse(delay_s=(3e-4, 3e-4, 3e-4))
    with pytest.raises(ValueRangeError, match="Sample it more finely"):
        with_played_path(raw, girf_of(slow, coarse_Hz), sequence)
    other, _ = sequence_of(SPIRAL, interleaves=5)
    with pytest.raises(DataError, match="readouts"):
        with_played_path(raw, girf_of(MACHINE), other)
    turned = replace(raw, trajectory_per_m=raw.trajectory_per_m[:, :, [1, 0, 2]])
    with pytest.raises(DataError, match="cells away"):
        with_played_path(turned, girf_of(MACHINE), sequence)
    broken = replace(raw, trajectory_per_m=raw.trajectory_per_m * np.nan)
    with pytest.raises(ValueRangeError, match="trajectory"):
        with_played_path(broken, girf_of(MACHINE))


def test_a_train_of_both_polarities_needs_its_sequence():
    sequence, _ = sequence_of(SPIRAL)
    raw = unmeasured(sequence)
    flags = raw.encoding.flags.copy()
    flags[1::2] |= np.uint64(1 << 21)
    with pytest.raises(DataError, match="both ways"):
        with_played_path(replace(raw, encoding=replace(raw.encoding, flags=flags)), girf_of(MACHINE))


def test_long_memory_is_felt_across_repetitions():
    """A slow eddy current of earlier shots bends later ones: what one readout alone cannot tell."""
    sequence, _ = sequence_of(SPIRAL)
    slow = GradientResponse(modes=(EddyMode(time_constant_s=0.02, amplitude=0.02 * np.eye(4, 3)),))
    raw, true = unmeasured(sequence), truth(sequence, slow)[..., :3]
    known = with_played_path(raw, girf_of(slow), sequence).trajectory_per_m
    alone = with_played_path(raw, girf_of(slow)).trajectory_per_m
    errors = [np.abs(k - true)[..., :2].max() * FOV for k in (known, alone, raw.trajectory_per_m)]
    assert errors[0] < 0.01 and errors[0] < errors[1] / 5 and errors[1] < errors[2]
