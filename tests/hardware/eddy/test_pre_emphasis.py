# TRUTHS of pre-emphasis: series and inverse = products and inverses at any frequency | an exact inverse leaves nothing
# | a response survives the way to poles and back | fewer modes are as near as told | a train of trapezoids through filter and
# | eddy currents, one after the other, strays under 0.1 % and is what the net response plays | the drive keeps the overshoot
# | what is too fast for the unit stays | played = the simulator's gradients | what cannot be undone is refused
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fullbore.data import EddyMode, GradientResponse
from fullbore.errors import ValueRangeError
from fullbore.hardware.eddy import PreEmphasisUnit, pre_emphasis, reduced
from fullbore.hardware.eddy.play import played
from fullbore.hardware.eddy.rational import inverse, rational_of, response_of, series
from fullbore.hardware.gradient_response import frequency_response

S = 2j * np.pi * np.array([0.01, 1.0, 37.0, 800.0, 2e4]) + 3.0


def eddies(seed=0, size=0.02, modes=5):
    generator = np.random.default_rng(seed)
    times = np.logspace(-4, -0.5, modes)
    own, scale = np.vstack([np.diag(generator.uniform(0.2, 1, 3)), np.zeros(3)]), size / modes
    return GradientResponse(
        delay_s=(4e-6, 4e-6, 4e-6),
        modes=tuple(EddyMode(time_constant_s=t, amplitude=scale * (own + generator.normal(0, 0.1, (4, 3)))) for t in times),
    )


def train():
    times, values = [0.0], [0.0]
    for sign in (1, 1, -1, 1, -1, -1, 1, 1):
        for length, value in ((1e-3, 0.0), (2.25e-4, 0.045 * sign), (7.75e-4, 0.045 * sign), (2.25e-4, 0.0)):
            times.append(times[-1] + length)
            values.append(value)
    return np.array(times), np.outer(values, [1.0, -0.6, 0.8])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.001, 0.2))
def test_series_and_inverse(seed, size):
    one = rational_of(eddies(seed, size)).rows(0, 3)
    other = rational_of(eddies(seed + 1, size)).rows(0, 3)
    both, undone = series(one, other), inverse(one)
    for s in S:
        assert np.allclose(both.at(s), one.at(s) @ other.at(s), atol=1e-9)
        assert np.allclose(undone.at(s) @ one.at(s), np.eye(3), atol=1e-9)


def test_a_response_survives_poles():
    ringing = EddyMode(time_constant_s=8e-3, frequency_Hz=700.0, amplitude=0.01 * np.eye(4, 3), sine=0.02 * np.eye(4, 3))
    lasting = EddyMode(time_constant_s=np.inf, amplitude=1e-3 * np.eye(4, 3))
    response = GradientResponse(modes=(*eddies().modes, ringing, lasting))
    frequency = np.logspace(-1, 4, 40)
    back = response_of(rational_of(response))
    assert np.allclose(frequency_response(back, frequency), frequency_response(response, frequency), atol=1e-13)
    value = rational_of(response).at(2j * np.pi * 123.0)
    assert np.allclose(value, frequency_response(response, np.array([123.0]))[:, :, 0], atol=1e-13)


def test_fewer_modes_are_as_near_as_told():
    response = eddies(3, 0.02, 20)
    frequency = np.logspace(-2, 4.7, 500)
    errors = []
    for terms in (2, 4, 6):
        found = reduced(response, terms)
        stray = np.abs(frequency_response(found.response, frequency) - frequency_response(response, frequency)).max()
        assert stray <= found.error * 1.02 and len(found.response.modes) == terms  # 1.02: between the frequencies of the fit
        errors.append(found.error)
    assert errors[2] < errors[1] < errors[0] < 1e-2


def test_a_train_strays_under_a_thousandth():
    response, (times, values) = eddies(5, 0.03), train()
    found = pre_emphasis(response, PreEmphasisUnit(terms=5))
    fine = np.arange(0.0, times[-1] + 5e-3, 5e-6)
    drive = played(found.filter, times, values, fine)
    heard = played(response, fine, drive[:, :3], fine[:-1] + 4e-6)
    heard[:, 3] += np.interp(fine[:-1], fine, drive[:, 3])
    asked = played(GradientResponse(), times, values, fine[:-1])
    raw = played(response, times, values, fine[:-1] + 4e-6)
    assert np.abs(raw - asked).max() > 5e-3 * 0.045
    assert np.abs(heard - asked).max() < 1e-3 * 0.045
    net = played(found.net, times, values, fine[:-1] + 4e-6)
    assert np.abs(net - heard).max() < 2e-5 * 0.045  # the drive is drawn by straight lines of 5 us
    for axis in range(3):
        assert np.abs(drive[:, axis]).max() <= 0.045 * found.overshoot[axis] + 1e-12
    gradient, slew = found.limits(0.045, 200.0)
    assert gradient < 0.045 and slew < 200 and gradient * max(found.overshoot) == pytest.approx(0.045)


def test_as_many_terms_as_the_inverse_leave_nothing():
    own = 0.01 * np.eye(4, 3)
    response = GradientResponse(modes=tuple(EddyMode(time_constant_s=tau, amplitude=own) for tau in (5e-3, 0.1)))
    assert pre_emphasis(response, PreEmphasisUnit(terms=2, resolution=0.0)).error < 1e-9


def test_what_is_too_fast_stays():
    quick = GradientResponse(modes=(EddyMode(time_constant_s=1e-6, amplitude=0.02 * np.eye(4, 3)),))
    assert pre_emphasis(quick, PreEmphasisUnit(terms=3, shortest_s=50e-6)).error > 5e-3


def test_played_is_the_simulators():
    from fullbore.simulate.gradients import play_gradients
    from tests.simulate.test_flaws import ramp

    ringing = EddyMode(time_constant_s=8e-3, frequency_Hz=700.0, amplitude=0.01 * np.eye(4, 3), sine=0.02 * np.eye(4, 3))
    response = GradientResponse(delay_s=(3e-6, 0.0, 5e-6), modes=(*eddies().modes, ringing))
    sequence = ramp(2e-4, 0.02)
    at = np.linspace(0, 1.5e-4, 60)
    shape = sequence.gradients[sequence.gradient[0, 0]]
    values = np.outer(shape.values_T_per_m, np.where(sequence.gradient[0] >= 0, sequence.gradient_scale[0], 0.0))
    assert np.allclose(played(response, shape.times_s, values, at), play_gradients(sequence, response).at(at), atol=1e-15)


def test_what_cannot_be_undone_is_refused():
    whole = GradientResponse(modes=(EddyMode(time_constant_s=0.1, amplitude=np.eye(4, 3)),))
    with pytest.raises(ValueRangeError, match="loses a direction"):
        pre_emphasis(whole)
    more = GradientResponse(modes=(EddyMode(time_constant_s=0.1, amplitude=1.5 * np.eye(4, 3)),))
    with pytest.raises(ValueRangeError, match="grows"):
        pre_emphasis(more)
    with pytest.raises(ValueRangeError, match="PreEmphasisUnit"):
        PreEmphasisUnit(terms=0)
    with pytest.raises(ValueRangeError, match="reduced"):
        reduced(GradientResponse(modes=(EddyMode(time_constant_s=1.0, amplitude=np.zeros((4, 3)), frequency_Hz=3.0),)), 2)
