# TRUTHS of traced curves: limits in every raster step, rotated (length) and per axis | the curve met to 1e-3 of its extent |
#   area exact | a line = the trapezoid's closed form | a circle at speed: acceleration v^2 / r | per axis never slower than
#   the length | nerves within their share, and not much below; along a line as short as a
#   linear programme's optimum | a gradient turns outside forbidden bands | start and end values |
#   nothing hangs: a bad curve is an error | a sharper discretisation gains nothing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial import cKDTree

from fullbore.data import Limits, StimulationModel
from fullbore.errors import FullboreError, LimitError
from fullbore.numerics.path_timing import ArcPath
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T as GAMMA
from fullbore.sequence.waveforms import NerveLimit, rosette_curve, spiral_curve, trace
from fullbore.sequence.waveforms.stimulation import band_share, nerve_response
from fullbore.sequence.waveforms.waveform import Waveform

LIMITS = Limits(gradient_T_per_m=0.04, slew_T_per_m_s=150.0, b1_peak_T=20e-6)
MODEL = StimulationModel(rheobase_T_per_s=20.0, chronaxie_s=0.36e-3, effective_length_m=(0.32, 0.30, 0.36), source="test")
CURVES = {
    "spiral": spiral_curve(0.22, 500.0, 16),
    "variable": spiral_curve(0.22, 250.0, 4, outer_density=0.4, knee=0.2),
    "in": spiral_curve(0.22, 250.0, 8, course="in"),
    "in-out": spiral_curve(0.22, 250.0, 8, course="in-out"),
    "rosette": rosette_curve(250.0, 10),
    "helix": np.stack([200 * np.cos(t := np.linspace(0, 12, 400)), 200 * np.sin(t), 40 * t], axis=1),
}


def deviation(waveform: Waveform, curve: np.ndarray) -> float:
    """Largest distance of the traced k from the curve, of the curve's extent."""
    path = ArcPath(curve)
    dense = path.position(np.linspace(0, path.length, 100_000))
    extent = np.ptp(curve, axis=0).max()
    return float(cKDTree(dense).query(waveform.k_per_m() + curve[0])[0].max() / extent)


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("turned", [True, False])
def test_limits_curve_and_area(name: str, turned: bool) -> None:
    curve = CURVES[name]
    waveform = trace(curve, LIMITS, turned=turned)
    size = (lambda v: np.linalg.norm(v, axis=1).max()) if turned else (lambda v: np.abs(v).max())
    assert size(waveform.values_T_per_m) <= LIMITS.gradient_T_per_m
    assert size(waveform.slew_T_per_m_s) <= LIMITS.slew_T_per_m_s
    assert np.abs(waveform.k_per_m()[-1] - (curve[-1] - curve[0])).max() < 1e-9 * np.ptp(curve)
    assert np.abs(waveform.values_T_per_m[[0, -1]]).max() < 1e-12
    assert deviation(waveform, curve) < 1e-3
    # Each limit is used up somewhere: the waveform is not merely legal.
    use = max(size(waveform.values_T_per_m) / LIMITS.gradient_T_per_m, size(waveform.slew_T_per_m_s) / LIMITS.slew_T_per_m_s)
    assert use > 0.99


@pytest.mark.parametrize("name", ["spiral", "variable", "in-out", "rosette"])
def test_per_axis_is_never_slower(name: str) -> None:
    assert trace(CURVES[name], LIMITS, turned=False).duration_s <= trace(CURVES[name], LIMITS).duration_s


@given(st.floats(30, 5000), st.floats(0.01, 0.2), st.floats(40, 300))
@settings(deadline=None, max_examples=25)
def test_line_is_a_trapezoid(length: float, amplitude: float, slew: float) -> None:
    limits = Limits(gradient_T_per_m=amplitude, slew_T_per_m_s=slew, b1_peak_T=20e-6)
    line = np.linspace(0, 1, 12)[:, None] * np.array([[0.6, 0.8]]) * length
    area = length / GAMMA
    ramp = amplitude / slew
    closed = area / amplitude + ramp if area > amplitude * ramp else 2 * np.sqrt(area / slew)
    got = trace(line, limits).duration_s
    # Up to one raster step later, and 2e-4 for the margin that the area's correction takes (10 us and 3e-4 together).
    assert closed * (1 - 1e-9) <= got <= closed * (1 + 3e-4) + 2 * limits.gradient_raster_s


def test_circle_at_full_speed() -> None:
    # Radius r, k turning at constant speed v = sqrt(gamma slew r): one turn takes 2 pi r / v.
    radius = 60.0
    angle = np.linspace(0, 2 * np.pi, 400)
    circle = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    speed = np.sqrt(GAMMA * LIMITS.slew_T_per_m_s * radius)
    waveform = trace(circle, LIMITS, start_T_per_m=0.9999 * speed / GAMMA, end_T_per_m=None)
    assert waveform.duration_s == pytest.approx(
        2 * np.pi * radius / speed, rel=0.003, abs=10e-6
    )  # rel: one raster step in 3.8 ms
    with pytest.raises(LimitError, match="start"):
        trace(circle, LIMITS, start_T_per_m=1.2 * speed / GAMMA)


def test_nerves() -> None:
    limit = NerveLimit(model=MODEL, share=0.8)
    for name in ("spiral", "rosette", "in-out"):
        free, calm = trace(CURVES[name], LIMITS), trace(CURVES[name], LIMITS, nerves=limit)
        assert nerve_response(free, limit).max() > 0.9
        assert nerve_response(calm, limit).max() <= 0.8
        # Slower everywhere by one factor would also do: stretching time by f divides the slew by f^2 and costs more.
        even = 1.0
        while True:
            weaker = Limits(gradient_T_per_m=0.04, slew_T_per_m_s=150.0 * even, b1_peak_T=20e-6)
            slow = trace(CURVES[name], weaker)
            if nerve_response(slow, limit).max() <= 0.8:
                break
            even *= 0.9
        assert free.duration_s < calm.duration_s <= slow.duration_s
        assert deviation(calm, CURVES[name]) < 1e-3


def largest_area(steps: int, raster: float, limit: NerveLimit) -> float:
    """The largest area, T s/m, of a lobe from rest to rest of so many raster steps, by a linear programme."""
    # A step's slew adds the exact integral of the kernel c / (c + t)^2 over the step to the response at a later corner.
    age = (np.arange(steps)[:, None] - np.arange(steps)) * raster
    chronaxie = limit.model.chronaxie_s
    kernel = np.where(age >= 0, chronaxie / (chronaxie + np.abs(age)) - chronaxie / (chronaxie + np.abs(age) + raster), 0.0)
    slew = (np.eye(steps, steps - 1) - np.eye(steps, steps - 1, -1)) * LIMITS.gradient_T_per_m / raster
    response = kernel @ slew * max(limit.model.effective_length_m) / limit.model.rheobase_T_per_s / limit.share
    above = np.concatenate([response, -response, slew / LIMITS.slew_T_per_m_s, -slew / LIMITS.slew_T_per_m_s])
    solved = linprog(-np.ones(steps - 1), A_ub=above, b_ub=np.ones(len(above)), bounds=(0, 1), method="highs")
    return float(-solved.fun * LIMITS.gradient_T_per_m * raster)


@pytest.mark.parametrize("length", [150.0, 300.0, 600.0, 1000.0])
def test_nerves_along_a_line_are_a_linear_programmes_optimum(length: float) -> None:
    limit = NerveLimit(model=MODEL, share=0.6)
    got = trace(np.linspace(0, 1, 12)[:, None] * np.array([[0.6, 0.8]]) * length, LIMITS, nerves=limit)
    steps, raster = round(got.duration_s / LIMITS.gradient_raster_s), LIMITS.gradient_raster_s
    assert trace(np.linspace(0, 1, 12)[:, None] * np.array([[length, 0.0]]), LIMITS).duration_s < got.duration_s
    assert largest_area(steps, raster, limit) >= length / GAMMA * (1 - 1e-9)
    # At most one raster step more than the least that any waveform takes.
    assert largest_area(steps - 2, raster, limit) < length / GAMMA


def test_forbidden_band() -> None:
    curve, band = spiral_curve(0.22, 150.0, 1), (1050.0, 1300.0)
    free, quiet = trace(curve, LIMITS), trace(curve, LIMITS, bands=(band,))

    def time_within(waveform: Waveform) -> float:
        g = waveform.values_T_per_m[5:-5]
        turning = np.diff(np.unwrap(np.arctan2(g[:, 1], g[:, 0]))) / (2 * np.pi * waveform.raster_s)
        return float(((turning > band[0]) & (turning < band[1])).mean())

    assert time_within(quiet) < 0.05 * time_within(free)
    assert band_share(quiet, band) < 0.2 * band_share(free, band)
    assert quiet.duration_s < 1.15 * free.duration_s


def test_free_end_is_quicker_and_finer_points_gain_nothing() -> None:
    curve = CURVES["variable"]
    assert trace(curve, LIMITS, end_T_per_m=None).duration_s < trace(curve, LIMITS).duration_s
    dense = spiral_curve(0.22, 250.0, 4, outer_density=0.4, knee=0.2, points_a_turn=256)
    assert trace(dense, LIMITS).duration_s == pytest.approx(trace(curve, LIMITS).duration_s, abs=20e-6)


@pytest.mark.parametrize("points", [np.zeros((10, 2)), np.full((10, 2), np.nan), np.array([[0.0, 0.0], [1.0, 1.0]])])
def test_bad_curves(points: np.ndarray) -> None:
    with pytest.raises(FullboreError, match="ArcPath"):
        trace(points, LIMITS)


def test_waveform_moments_are_exact() -> None:
    rng = np.random.default_rng(0)
    waveform = Waveform(raster_s=10e-6, values_T_per_m=rng.standard_normal((50, 2)))
    times = np.linspace(0, waveform.duration_s, 490_001)
    values = np.stack([np.interp(times, waveform.times_s(), v) for v in waveform.values_T_per_m.T], axis=1)
    for order in range(3):
        direct = np.trapezoid(values * (times[:, None] - 1e-4) ** order, times, axis=0)
        scale = np.trapezoid(np.abs(values[:, 0]) * np.abs(times - 1e-4) ** order, times)
        assert np.abs(waveform.moment(order, 1e-4) - direct).max() < 1e-7 * scale
    assert np.allclose(waveform.k_per_m()[-1], GAMMA * waveform.moment(0))
