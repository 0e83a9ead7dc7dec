# TRUTHS of moving bodies: matter goes where the body's movements say, at any time of any cycle | a body at rest has no motion
#   | the scanner feels it: a shifted body's k-space is the rest's turned | a pipe's flow comes with it
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import Deformation, Sliding
from fullbore.errors import UsageError
from fullbore.phantom import Body, Layer, make_body, moving
from fullbore.phantom.movement import Movement, chained, common_period, rigid
from fullbore.phantom.moving import displacement, period_s, quickest_s
from fullbore.phantom.primitives import ball
from fullbore.simulate.cloud.motion import make_moves, places
from fullbore.simulate.cloud.movers import motion_of

PERIOD_S = 0.8


def beat(size_m: float = 4e-3, period_s: float | None = PERIOD_S) -> Movement:
    """A swelling along x that comes back."""

    def forward(points: np.ndarray, time_s: float) -> np.ndarray:
        rise = size_m * np.sin(2 * np.pi * time_s / PERIOD_S)
        return points + rise * np.column_stack([np.sin(30 * points[:, 0]), 0 * points[:, 1], np.cos(20 * points[:, 0])])

    return Movement(forward=forward, period_s=period_s)


def two_balls(movement: Movement | None, whole: Movement | None = None) -> Body:
    return Body(
        name="two", movement=whole,
        layers=(
            Layer(shape=ball((-0.03, 0, 0), 0.02), fill="liver", organ="still"),
            Layer(shape=ball((0.03, 0, 0), 0.02), fill="spleen", organ="beating", movement=movement),
        ),
    )  # fmt: skip


def test_matter_goes_where_the_movements_say():
    body = two_balls(beat())
    phantom = moving(body, 2e-3)
    assert isinstance(phantom.motion, Sliding) and [piece.mover for piece in phantom.motion.pieces] == [-1, 0]
    (motion,) = phantom.motion.parts
    inside = np.array([0.03, 0, 0]) + 0.011 * np.random.default_rng(0).uniform(-1, 1, (50, 3))  # within the ball
    for time in (0.2, 0.2 + 3 * PERIOD_S, 0.45):
        wanted = inside + displacement(body, inside, np.full(50, 2), time)
        np.testing.assert_allclose(places(make_moves(motion), inside, np.array([time]))[0], wanted, atol=1e-4)
    both = moving(replace(two_balls(None), movement=beat()), 2e-3).motion
    assert isinstance(both, Deformation)  # nothing slides
    np.testing.assert_allclose(places(make_moves(both), -inside, np.array([0.2]))[0], beat().forward(-inside, 0.2), atol=1e-4)


def test_organs_move_within_the_body():
    breath = rigid(lambda t: np.eye(3), lambda t: np.array([0.0, 0.0, 0.01 * np.sin(2 * np.pi * t / PERIOD_S)]))
    body = two_balls(beat(), whole=breath)
    phantom = moving(body, 2e-3, np.linspace(0, 0.8, 33))
    point = np.array([[0.032, 0.002, 0.001]])
    wanted = chained(beat(), breath).forward(point, 0.3)
    np.testing.assert_allclose(places(make_moves(motion_of(phantom.motion, 1)), point, np.array([0.3]))[0], wanted, atol=1e-4)


def test_a_body_at_rest_has_no_motion():
    assert moving(two_balls(None), 4e-3).motion is None


def test_movements_without_a_common_period_need_times():
    with pytest.raises(UsageError, match="no common period"):
        moving(two_balls(beat(period_s=None)), 4e-3)


def test_a_pipe_flows():
    (flow,) = moving(make_body("flow-pipe"), 4e-3).flows
    speed = flow.peak_velocity_m_per_s / 2
    assert speed * np.pi * float(flow.radius_m) ** 2 == pytest.approx(make_body("flow-pipe").truths["flux_m3_per_s"])


def test_common_periods():
    assert common_period([0.9, 4.5]) == pytest.approx(4.5)
    assert common_period([2.0, 3.0]) == pytest.approx(6.0)
    assert common_period([1.0, np.pi]) is None
    assert common_period([1.0, None]) is None
    for name, cycles in (("heart", 1), ("torso", 5)):
        body = make_body(name)
        assert period_s(body) == pytest.approx(cycles * quickest_s(body))
        # After one period every layer is where it was.
        points = np.random.default_rng(1).uniform(-0.1, 0.1, (40, 3))
        for layer in body.layers:
            if layer.movement is not None:
                before, after = (layer.movement.forward(points, time) for time in (0.3, 0.3 + period_s(body)))
                np.testing.assert_allclose(before, after, atol=1e-9)
