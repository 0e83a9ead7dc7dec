# TRUTHS of MP2RAGE: both inversion times as asked | the uniform image of three T1s in the virtual scanner = the closed form of
#   two trains. Of time of flight: moments null along read and slice at the echo | Ernst angles of blood and white matter at TR
#   21 ms are 9 and 13 degrees | fresh blood outshines saturated tissue | a ramp tips as it says across the slab

from __future__ import annotations

import numpy as np
import pytest

from fullbore.data import Limits
from fullbore.errors import LimitError
from fullbore.sequence.gradient_echo.excitation import excitation
from fullbore.sequence.pulses import pulse_response
from fullbore.signal.closed_forms import ernst_angle, spoiled_gradient_echo
from tests.sequence.reference import LIMITS, pulse_times
from tests.sequence.test_multi_echo import SMALL, blocks, images, sequence
from tests.sequence.test_phase_contrast import played_moments
from tests.simulate.small import tissue


def two_trains(
    t1: float, tr: float, times: tuple[float, float], spacing: float, views: int, flips: tuple[float, float], left: float
):
    """Signed signals of the middle views in the steady state. Source: Marques 2010, eq. 1."""
    m = 1.0
    waits = (times[0] - views // 2 * spacing, times[1] - times[0] - views * spacing)
    rest = tr - times[1] - (views - views // 2) * spacing
    for _ in range(40):
        m, signals = left * m, []
        for wait, flip in zip(waits, flips, strict=True):
            m = 1 - (1 - m) * np.exp(-wait / t1)
            for view in range(views):
                if view == views // 2:
                    signals.append(m * np.sin(flip))
                m = 1 - (1 - m * np.cos(flip)) * np.exp(-spacing / t1)
        m = 1 - (1 - m) * np.exp(-rest / t1)
    return np.array(signals)


def test_uniform_image_is_the_closed_form() -> None:
    t1s = (0.3, 0.6, 1.2)
    wide = {"orientation": "axial", "fov": ["144 mm", "96 mm", "96 mm"], "matrix": [36, 16, 8]}
    played = sequence("mp2rage", views_per_train=8, dummy_trains=5, **wide)
    table = played.encoding
    assert table.inversion_times_s == pytest.approx((0.25, 0.7), abs=1e-5)
    times, uses = pulse_times(played)
    excited = times[uses == "e"].reshape(-1, 2, 8)
    assert np.abs(excited[:, :, 4] - times[uses == "i"][:, None] - (0.25, 0.7)).max() < 1e-5
    values, inside = images(blocks(*(tissue(f"t1 {t1}", t1, 0.08) for t1 in t1s)), played)
    flips = (table.flip_rad, table.parameters["second_flip_rad"])
    inverting = next(pulse for pulse in played.rf_pulses if pulse.use == "i")
    left = float(pulse_response(inverting, t2_s=0.08)[1])  # T2 during the pulse takes some of the inversion
    for t1, region in zip(t1s, inside, strict=True):
        first, second = values[0][region].mean(), values[1][region].mean()
        uniform = (first * np.conj(second)).real / (abs(first) ** 2 + abs(second) ** 2)
        a, b = two_trains(t1, 1.2, (0.25, 0.7), 7e-3, 8, flips, left)
        # k-space's edge is weighted by other views
        assert uniform == pytest.approx(a * b / (a * a + b * b), abs=0.02)


@pytest.mark.parametrize("name", ["tof_3d", "tof_2d"])
def test_flow_is_compensated(name: str) -> None:
    played = sequence(name, matrix=[16, 8, 4] if name == "tof_3d" else [16, 8])
    geometry, table = played.encoding.geometry, played.encoding
    middle = (table.counter("line") == 4) & (table.counter("partition") == (2 if name == "tof_3d" else 0))
    left = played_moments(played)[middle] @ np.stack([geometry.read, geometry.slice]).T
    # against what a venc of 150 cm/s takes
    assert np.abs(left).max() < 3e-3 * 7.83e-9


def test_ernst_angles_and_inflow() -> None:
    blood, white = np.rad2deg(ernst_angle(1.65, 21e-3)), np.rad2deg(ernst_angle(0.832, 21e-3))
    assert (round(float(blood)), round(float(white))) == (9, 13)
    saturated = spoiled_gradient_echo(0.832, 21e-3, np.deg2rad(18.0))
    assert np.sin(np.deg2rad(18.0)) > 2.5 * saturated


def test_a_slab_is_in_the_ernst_state() -> None:
    flip = np.deg2rad(18.0)
    kinds = (tissue("white", 0.832, 0.08), tissue("blood", 1.65, 0.15))
    played = sequence("tof_3d", dummy_views=400, flip_ramp="0 %", **(SMALL | {"matrix": [24, 16, 12]}))
    values, inside = images(blocks(*kinds), played)
    white, blood = (np.abs(values[0][region]).mean() for region in inside)
    echo = played.encoding.echo_times_s[0]
    expected = [spoiled_gradient_echo(kind.t1_s, 21e-3, flip, kind.t2_s, echo) for kind in kinds]
    # 117 degrees are not ideal spoiling
    assert blood / white == pytest.approx(expected[1] / expected[0], rel=0.04)


def test_a_ramp_tips_as_it_says() -> None:
    limits: Limits = LIMITS
    made = excitation("slr", np.deg2rad(18.0), 2e-3, 8.0, 0.05, limits, ramp=0.3)
    flat = excitation("slr", np.deg2rad(18.0), 2e-3, 8.0, 0.05, limits)
    frequency = np.linspace(-0.35, 0.35, 29) * made.bandwidth_Hz
    tipped = [np.abs(pulse_response(one.pulse, offset_Hz=frequency)[0]) for one in (made, flat)]
    assert np.abs(tipped[0] / tipped[1] - (1 + 0.6 * frequency / made.bandwidth_Hz)).max() < 0.02


def test_what_cannot_be_is_refused_by_name() -> None:
    with pytest.raises(LimitError, match="second_inversion_time"):
        sequence("mp2rage", second_inversion_time="300 ms")
    with pytest.raises(LimitError, match="echo_time"):
        sequence("tof_3d", echo_time="1 ms")
