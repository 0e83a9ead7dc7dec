# TRUTHS of the machine's flaws: each, and all together, = the float64 reference, whose own steps allow 1e-5 where fields change
#   within them | with all off the answer is the ideal one, bit for bit | eddy currents of a ramp follow their closed form
#   | an amplifier's droop is the integral of its current | a late gradient is the same gradient later | drift turns the phase by
#   t^2 / 2 | the concomitant phase of a readout is gamma G^2 z^2 / (2 B0) t | a compressed pulse tips less, by its own polynomial
#   | the general clock = the ideal one | many readouts bent by little, each in its own way, share one line, are each summed by
#   itself to within 3e-6, and = the reference
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import EddyMode, FieldMap, Flaws, Gradient, GradientResponse, Grid, RfAmplifier, ScannerSpec
from fullbore.errors import ShapeError, ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.cloud import play_cloud, reference
from fullbore.simulate.cloud.bends import make_bends, reach_of
from fullbore.simulate.fields import make_bore
from fullbore.simulate.gradients import play_gradients
from fullbore.simulate.timeline import compile_timeline
from tests.simulate.small import GRE, TSE, built, cut, error, machine
from tests.simulate.test_cloud import spins, turning

SPEC = machine()
TRAIN = TSE | {"repetition_time": "80 ms", "dummy_shots": 0}
BOX = Grid.centred((7, 7, 7), (20e-3,) * 3)


def bent() -> FieldMap:
    """Coordinates that fall short towards the edges."""
    points = BOX.points_m()
    short = 1 - 8 * (points**2).sum(axis=-1, keepdims=True)
    return FieldMap(values=np.moveaxis(points * short, -1, 0).copy(), grid=BOX, unit="m")


def tilted() -> FieldMap:
    return FieldMap(values=BOX.points_m()[None, ..., 2] * 20, grid=BOX, unit="ppm")


RINGING = GradientResponse(
    delay_s=(3e-6, 5e-6, 0.0),
    modes=(
        EddyMode(time_constant_s=0.05, amplitude=np.array([[4e-3, 0, 1e-4], [0, 3e-3, 0], [0, 0, 2e-3], [1e-4, 0, 2e-4]])),
        EddyMode(time_constant_s=2e-3, amplitude=0.002 * np.eye(4, 3), frequency_Hz=800.0, sine=0.001 * np.eye(4, 3)),
        *GradientResponse.droop(0.5, 0.2).modes,
    ),
)
FLAWS = {
    "field": Flaws(field_ppm=tilted()),
    "drift": Flaws(drift_Hz_per_s=300.0),
    "nonlinear": Flaws(gradient_fields_m=bent()),
    "response": Flaws(response=RINGING),
    "concomitant": Flaws(concomitant=True),
    "amplifier": Flaws(rf_amplifier=RfAmplifier(peak_T=1e-5, compression=(-0.08 + 0.05j, 0.01), droop_per_s=20.0)),
}
FLAWS["all"] = Flaws(**{name: getattr(f, name) for f in FLAWS.values() for name in f.__slots__ if getattr(f, name)})


def with_flaws(flaws: Flaws) -> ScannerSpec:
    return replace(SPEC, flaws=flaws)


@pytest.mark.parametrize("name", FLAWS)
@pytest.mark.parametrize("which", ["gre", "turning"])
def test_each_flaw_is_the_reference(name, which):
    sequence = turning() if which == "turning" else cut(built(GRE, SPEC, dummy_views=2), 3)
    cloud, spec = spins(40), with_flaws(FLAWS[name])
    wanted = reference(cloud, sequence, spec)
    assert error(play_cloud(cloud, sequence, spec), wanted) < 1e-5
    if name != "amplifier" or which != "turning":  # its pulse is weak
        assert error(play_cloud(cloud, sequence), wanted) > 1e-3  # the flaw is felt


def test_all_flaws_in_a_spin_echo_train_are_the_reference():
    sequence, cloud, spec = built(TRAIN, SPEC), spins(40), with_flaws(FLAWS["all"])
    assert error(play_cloud(cloud, sequence, spec), reference(cloud, sequence, spec)) < 1e-5


@pytest.mark.parametrize("name", ["response", "all"])
def test_readouts_that_bend_a_little_share_a_line(name, monkeypatch):
    modes = FLAWS["all"].response.modes
    weak = [replace(m, amplitude=0.1 * m.amplitude, sine=None if m.sine is None else 0.1 * m.sine) for m in modes]
    spec = with_flaws(replace(FLAWS[name], response=GradientResponse(delay_s=RINGING.delay_s, modes=tuple(weak))))
    sequence, cloud = (
        built(GRE, SPEC, matrix=[96, 6, 4], bandwidth="500 Hz/px", repetition_time="9 ms", echo_time="4 ms", dummy_views=2),
        spins(40),
    )
    asked = []

    def spy(*inputs):
        asked.append(make_bends(*inputs))
        return asked[-1]

    monkeypatch.setattr("fullbore.simulate.cloud.readouts.make_bends", spy)
    shared = play_cloud(cloud, sequence, spec)
    (bends,) = asked
    assert bends is not None and 3 <= len(bends.terms) <= 12
    monkeypatch.setattr("fullbore.simulate.cloud.readouts.make_bends", lambda *inputs: None)
    alone = play_cloud(cloud, sequence, spec)
    assert 0 < error(shared, alone) < 3e-6
    assert error(shared, reference(cloud, sequence, spec)) < 1e-5


def test_terms_of_bends_are_the_exponential():
    random = np.random.default_rng(1)
    place, strayed = random.uniform(-0.1, 0.12, (50, 4)), random.normal(size=(5, 20, 4)) * [0.3, 0.05, 0.01, 0.002]
    bends = make_bends(strayed, reach_of(place), 1e-6)
    assert bends is not None
    series = np.einsum("trs,tn->rsn", bends.courses(np.arange(5), strayed), bends.shapes(place))
    assert np.abs(series - np.exp(-2j * np.pi * strayed @ place.T)).max() < 2e-5  # of all terms left out together
    assert make_bends(10 * strayed, reach_of(place), 1e-6) is None


def test_pulses_are_looked_up_under_flaws():
    """Enough spins of few relaxation times for tables, under gradients that ring."""
    few, count = spins(1), 6000
    many = replace(spins(count, 1, 1), t1_s=np.full(count, few.t1_s[0]), t2_s=np.full(count, few.t2_s[0]))
    sequence, spec = built(TRAIN, SPEC), with_flaws(Flaws(response=RINGING, drift_Hz_per_s=5.0))
    one = many.take(np.arange(200))
    difference = play_cloud(many, sequence, spec) - play_cloud(many.take(np.arange(200, count)), sequence, spec)
    assert error(difference, reference(one, sequence, spec)) < 2e-4  # what is left of much larger sums


def test_no_flaws_are_the_ideal_machine_to_the_last_bit():
    cloud, sequence = spins(40), built(GRE, SPEC)
    assert play_cloud(cloud, sequence, with_flaws(Flaws())).tobytes() == play_cloud(cloud, sequence).tobytes()


def test_the_general_clock_is_the_ideal_clock():
    """Quadrature through every corner = the closed form, when the flaw is nothing."""
    sequence = built(TRAIN, SPEC)
    ideal = compile_timeline(sequence)
    bore = make_bore(Flaws(response=GradientResponse()), 3.0)
    general = compile_timeline(sequence, bore)
    np.testing.assert_allclose(general.sample_moment_per_m, ideal.sample_moment_per_m, atol=1e-9)
    np.testing.assert_allclose(general.moment_per_m, ideal.moment_per_m, atol=1e-9)


def ramp(rise_s: float, height: float):
    """One block: a ramp up and a flat top for the rest of it, along x."""
    sequence = turning()
    shape = Gradient(times_s=np.array([0.0, rise_s, 2e-3]), values_T_per_m=np.array([0.0, height, height]))
    none = np.full_like(sequence.gradient, -1)
    none[0, 0] = 0
    return replace(sequence, gradients=(shape,), gradient=none, gradient_scale=np.ones_like(sequence.gradient_scale))


def test_eddy_currents_of_a_ramp():
    tau, part, rise, height = 1.5e-3, 0.01, 2e-4, 0.02
    mode = EddyMode(time_constant_s=tau, amplitude=part * np.eye(4, 3))
    t = np.linspace(rise, 1.9e-3, 7)
    got = play_gradients(ramp(rise, height), GradientResponse(modes=(mode,))).at(t)
    felt = height * (1 - part * tau / rise * (np.exp(rise / tau) - 1) * np.exp(-t / tau))
    np.testing.assert_allclose(got[:, 0], felt, rtol=1e-12)
    np.testing.assert_allclose(got[:, 1:], 0, atol=1e-15)


def test_ringing_of_a_ramp():
    tau, frequency, rise = 4e-3, 700.0, 1e-6  # nearly a step
    mode = EddyMode(time_constant_s=tau, amplitude=0.01 * np.eye(4, 3), frequency_Hz=frequency)
    t = np.linspace(1e-4, 1.9e-3, 9)
    got = play_gradients(ramp(rise, 0.02), GradientResponse(modes=(mode,))).at(t)[:, 0]
    step = 0.02 * (1 - 0.01 * np.exp(-(t - rise / 2) / tau) * np.cos(2 * np.pi * frequency * (t - rise / 2)))
    np.testing.assert_allclose(got, step, atol=1e-8)


def test_droop_is_what_the_integral_of_the_current_leaves():
    """g - k * integral of g(t') exp(-(t - t') / tau) dt', of a ramp and its flat top; a step ends at 1 - k tau."""
    rate, recovery, rise, height = 40.0, 1.5e-3, 2e-4, 0.02
    t = np.linspace(rise, 1.9e-3, 7)
    got = play_gradients(ramp(rise, height), GradientResponse.droop(rate, recovery)).at(t)[:, 0]
    fine = np.linspace(0, 1.9e-3, 400_001)
    played = height * np.minimum(fine / rise, 1)
    charge = [np.trapezoid((played * np.exp(-(end - fine) / recovery))[fine <= end], fine[fine <= end]) for end in t]
    np.testing.assert_allclose(got, height - rate * np.array(charge), rtol=1e-5)  # the truth's own steps
    with pytest.raises(ValueRangeError, match=r"GradientResponse.droop: got \(2.0, 1.0\)"):
        GradientResponse.droop(2.0, 1.0)


def test_a_late_gradient_is_the_same_later():
    t = np.linspace(1e-4, 1.9e-3, 9)
    late = play_gradients(ramp(2e-4, 0.02), GradientResponse(delay_s=(7e-6, 0.0, 0.0))).at(t + 7e-6)
    np.testing.assert_allclose(late, play_gradients(ramp(2e-4, 0.02)).at(t), atol=1e-15)


def test_drift_turns_the_phase_by_half_t_squared():
    cloud = spins(1, coils=1)
    sequence, rate = built(GRE, SPEC, dummy_views=0), 40.0
    ideal, drifted = (play_cloud(cloud, sequence, with_flaws(Flaws(drift_Hz_per_s=r))) for r in (0.0, rate))
    timeline = compile_timeline(sequence)
    excited, read = timeline.time_s[timeline.last_pulse][0], timeline.sample_time_s[0]
    turns = 0.5 * rate * (read**2 - excited**2)  # the first excitation: nothing transverse before it
    np.testing.assert_allclose(np.angle(drifted[0, 0] / ideal[0, 0] * np.exp(2j * np.pi * turns)), 0, atol=2e-4)


def test_concomitant_phase_of_a_readout():
    """Along x with z = 0.1 m: Bc = Gx^2 z^2 / (2 B0)."""
    base = spins(1, coils=1)
    place = np.array([[0.0, 0.0, 0.1]])
    cloud = replace(base, position_m=place, off_resonance_Hz=np.zeros(1), b1_scale=np.ones(1))
    sequence = turning()
    line = sequence.gradients[3]
    gradient = np.full_like(sequence.gradient, -1)
    gradient[1, 0] = 3
    alone = replace(sequence, gradient=gradient, gradient_scale=np.ones_like(sequence.gradient_scale))
    ideal, flawed = (play_cloud(cloud, alone, with_flaws(Flaws(concomitant=c))) for c in (False, True))
    adc = alone.adcs[0]
    t = adc.delay_s + (np.arange(adc.samples) + 0.5) * adc.dwell_s
    inside = t < line.times_s[2]
    height, rise = line.values_T_per_m[1], line.times_s[1]
    squared = height**2 * (rise / 3 + t[inside] - rise)
    turns = GYROMAGNETIC_RATIO_HZ_PER_T * squared * 0.1**2 / (2 * SPEC.b0_T)
    found = np.angle(flawed[0, 0, inside] / ideal[0, 0, inside]) / (-2 * np.pi)
    np.testing.assert_allclose(found, turns, atol=2e-6)


def test_a_compressed_pulse_tips_by_its_own_polynomial():
    base = spins(1, coils=1)
    cloud = replace(base, position_m=np.zeros((1, 3)), off_resonance_Hz=np.zeros(1), b1_scale=np.ones(1))
    sequence = built(GRE, SPEC, dummy_views=0)
    amplifier = RfAmplifier(peak_T=float(np.abs(sequence.rf_pulses[0].b1_T).max()), compression=(-0.1,), droop_per_s=30.0)
    flawed = play_cloud(cloud, sequence, with_flaws(Flaws(rf_amplifier=amplifier)))
    pulse = sequence.rf_pulses[0]
    spent = (np.arange(len(pulse.b1_T)) + 0.5) * pulse.raster_s
    level = np.abs(pulse.b1_T) / amplifier.peak_T
    tips = [np.abs((pulse.b1_T * gain).sum()) for gain in (1, (1 - 0.1 * level**2) * (1 - 30 * spent))]
    flip = pulse.flip_rad
    wanted = np.sin(flip * tips[1] / tips[0]) / np.sin(flip)
    assert abs(flawed[0, 0, 0] / play_cloud(cloud, sequence)[0, 0, 0]) == pytest.approx(wanted, rel=2e-4)


def test_bad_flaws_are_refused_by_name():
    with pytest.raises(ValueRangeError, match=r"EddyMode.time_constant_s: got 0"):
        EddyMode(time_constant_s=0.0, amplitude=np.zeros((4, 3)))
    with pytest.raises(ShapeError, match=r"EddyMode.amplitude: got \(3, 3\)"):
        EddyMode(time_constant_s=1.0, amplitude=np.zeros((3, 3)))
    with pytest.raises(ShapeError, match=r"Flaws.gradient_fields_m: got .*\(1, 'ppm'\)"):
        Flaws(gradient_fields_m=tilted())
