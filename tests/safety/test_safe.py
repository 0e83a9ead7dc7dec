# TRUTHS of SAFE: = pypulseq 1.5 on its own example hardware, peak and time course, to 1e-9, for trapezoids, shapes that are
# sampled at raster centres, shapes across blocks, and an EPI train | peak search = the largest of the time course
# | doubling a sequence doubles it | normal mode is held to the threshold
# | the advised ramp comes near the limit | a block raster finer than the gradient raster
import itertools
from dataclasses import replace

import numpy as np
import pypulseq as pp
import pytest
from pypulseq.utils.safe_pns_prediction import safe_example_hw

from fullbore import safety
from fullbore.data import Gradient, SafeModel
from fullbore.files import read_pulseq
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.safety.safe import safe_finding
from tests.safety.hand_built import SUBJECT, finding, sequence, spec, trapezoid

RASTER_S = 10e-6
HARDWARE = safe_example_hw()


def example_model():
    each = {name: tuple(getattr(getattr(HARDWARE, axis), name) for axis in "xyz") for name in vars(HARDWARE.x)}
    ms = {f"tau{n}_s": tuple(1e-3 * t for t in each[f"tau{n}"]) for n in (1, 2, 3)}
    return SafeModel(
        **ms, a1=each["a1"], a2=each["a2"], a3=each["a3"], g_scale=each["g_scale"], source="example",
        stim_limit_T_per_m_s=each["stim_limit"], stim_threshold_T_per_m_s=each["stim_thresh"],
    )  # fmt: skip


MODEL = example_model()
SYSTEM = pp.Opts(max_grad=40, grad_unit="mT/m", max_slew=180, slew_unit="T/m/s", gamma=GYROMAGNETIC_RATIO_HZ_PER_T)


def random_trapezoids(rng):
    seq = pp.Sequence(SYSTEM)
    for _ in range(30):
        seq.add_block(*[pp.make_trapezoid(axis, area=rng.uniform(-900, 900), system=SYSTEM) for axis in "xyz"])
        seq.add_block(pp.make_delay(1e-5 * rng.integers(1, 300)))
    return seq


def sampled_shapes(rng):
    seq = pp.Sequence(SYSTEM)
    for axis in "xyz":
        wave = np.sin(np.linspace(0, rng.uniform(10, 30), 300)) * np.hanning(300) * 3e5
        seq.add_block(pp.make_arbitrary_grad(axis, wave, system=SYSTEM, first=0, last=0))
    return seq


def across_blocks(rng):
    seq, top = pp.Sequence(SYSTEM), 4e5
    for _ in range(5):
        times = np.array([0, 20, 60]) * 1e-5
        up = pp.make_extended_trapezoid("y", times=times, amplitudes=np.array([0, top, top]), system=SYSTEM)
        down = pp.make_extended_trapezoid(
            "y", times=np.array([0, 37, 60]) * 1e-5, amplitudes=np.array([top, top, 0]), system=SYSTEM
        )
        seq.add_block(up, pp.make_trapezoid("x", area=rng.uniform(-300, 300), duration=6e-4, system=SYSTEM))
        seq.add_block(down)
    return seq


def epi_train(rng):
    seq, sign = pp.Sequence(SYSTEM), 1
    read = pp.make_trapezoid("x", amplitude=1e6, rise_time=1.4e-4, flat_time=3.2e-4, system=SYSTEM)
    blip = pp.make_trapezoid("y", area=20, duration=2e-4, delay=2e-4, system=SYSTEM)
    for _ in range(40):
        seq.add_block(pp.scale_grad(read, sign), blip)
        sign = -sign
    return seq


@pytest.mark.parametrize("make", [random_trapezoids, sampled_shapes, across_blocks, epi_train])
def test_equals_pypulseq(make, tmp_path):
    seq = make(np.random.default_rng(5))
    seq.add_block(pp.make_delay(2e-3))
    seq.add_block(pp.make_trapezoid("z", amplitude=1e3, duration=1e-3, system=SYSTEM))  # pypulseq ends with the last gradient
    seq.write(str(tmp_path / "a.seq"))
    peer = pp.Sequence(SYSTEM)
    peer.read(str(tmp_path / "a.seq"))  # as the file has rounded it
    _, norm, axes, _ = peer.calculate_pns(HARDWARE, do_plots=False)
    ours = read_pulseq(tmp_path / "a.seq")
    wave = safety.waveform(ours)
    course = safety.safe_course(wave, MODEL, RASTER_S)
    assert len(course) >= len(axes) and norm.max() > 0.3
    np.testing.assert_allclose(course[: len(axes)], axes, rtol=0, atol=1e-9)
    found = safe_finding(ours, wave, MODEL, RASTER_S, "first_level")
    assert found.value / 100 == pytest.approx(norm.max(), abs=1e-9)
    assert found.time_s == pytest.approx(norm.argmax() * RASTER_S, abs=1e-9) or np.isclose(
        norm[round(found.time_s / RASTER_S)], norm.max(), rtol=1e-9
    )


def hand(rng, count=12):
    shape = trapezoid(0.02, 150e-6, 300e-6, 20e-6)
    scales = rng.uniform(-1, 1, (count, 3))
    return sequence([{"duration": 1e-3} | {a: (shape, s) for a, s in zip("xyz", row, strict=True)} for row in scales])


def test_peak_is_the_largest_of_the_course():
    for seed in range(20):
        seq = hand(np.random.default_rng(seed))
        wave = safety.waveform(seq)
        course = np.linalg.norm(safety.safe_course(wave, MODEL, RASTER_S), axis=1)
        assert safe_finding(seq, wave, MODEL, RASTER_S, "normal").value == pytest.approx(100 * course.max(), rel=1e-12)


def test_doubling_doubles():
    seq = hand(np.random.default_rng(1))
    values = [
        safe_finding(s, safety.waveform(s), MODEL, RASTER_S, "normal").value
        for s in (seq, replace(seq, gradient_scale=2 * seq.gradient_scale))
    ]
    assert values[1] == pytest.approx(2 * values[0], rel=1e-12)


def test_modes_and_whole_check():
    machine = replace(spec(), stimulation=replace(spec().stimulation, safe=MODEL))
    limits = [
        finding(safety.check(hand(np.random.default_rng(2)), machine, SUBJECT, mode), "nerve stimulation (SAFE)").limit
        for mode in ("normal", "first_level")
    ]
    assert limits == [pytest.approx(80.0), 100.0]


@pytest.mark.parametrize("axis", "xyz")
def test_advised_ramp_meets_the_limit(axis):
    ramp = 0.3e-3
    seqs = [sequence([{"duration": 20e-3, axis: trapezoid(0.06, ramp, 8e-3)}])]
    found = safe_finding(seqs[0], safety.waveform(seqs[0]), MODEL, RASTER_S, "normal")
    assert not found.allowed
    longer = ramp + round(found.changes[0].added / RASTER_S) * RASTER_S
    seqs.append(sequence([{"duration": 20e-3, axis: trapezoid(0.06, longer, 8e-3)}]))
    # 10 %: 1 / (c + ramp) stands for three exponentials; the advice is a first step, and is judged again.
    assert safe_finding(seqs[1], safety.waveform(seqs[1]), MODEL, RASTER_S, "normal").value == pytest.approx(80.0, rel=0.1)


def test_blocks_off_the_gradient_raster():
    # One gradient of 2 ms cut into blocks of 3 us steps must not change: the raster runs through the sequence.
    times, values = np.array([0.0, 0.2, 1.6, 2.1]) * 1e-3, np.array([0.0, 0.02, 0.02, 0.0])
    whole = sequence([{"duration": 2.1e-3, "x": _piece(times, values, 0.0, 2.1e-3)}])
    cuts = np.array([0.0, 0.303, 0.951, 1.7, 2.1]) * 1e-3
    parts = [{"duration": b - a, "x": _piece(times, values, a, b)} for a, b in itertools.pairwise(cuts)]
    courses = [safety.safe_course(safety.waveform(s), MODEL, RASTER_S) for s in (whole, sequence(parts))]
    np.testing.assert_allclose(courses[1], courses[0], rtol=0, atol=1e-9)


def _piece(times, values, begin, end):
    inner = times[(times > begin) & (times < end)]
    t = np.concatenate([[begin], inner, [end]])
    return Gradient(times_s=t - begin, values_T_per_m=np.interp(t, times, values))
