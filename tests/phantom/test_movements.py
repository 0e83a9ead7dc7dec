# TRUTHS of movements: no distance is lengthened by more than a movement's own bound when it is undone, between neighbours nor
#   over five centimetres, in the heart's beat, the breath, the twist, whatever the parameters | a beat's bound is no looser than
#   it has to be | a heart's beat has its inverse in the blood, too, which thins out evenly
from __future__ import annotations

import numpy as np
import pytest

from fullbore.phantom.bodies.heart import heart
from fullbore.phantom.bodies.leg import leg
from fullbore.phantom.bodies.torso import torso
from fullbore.phantom.bodies.whole_body import whole_body
from fullbore.phantom.body import Body, organ_movement
from fullbore.phantom.movement import Movement, jacobian, sheared

REACH_M = 0.05
"""How far apart places are that the painter compares."""
BODIES = {
    "torso": torso(),
    "a deep breath": torso(breathing_down_m=0.04, breathing_forward_m=0.02, height_m=1.6),
    "a heart that twists and ejects much": heart(ejection_fraction=0.7, twist_rad=0.4),
    "a weak heart": heart(ejection_fraction=0.3, longitudinal_strain=-0.08, twist_rad=0.05),
    "an infarct": heart(infarct="LAD"),
    "leg": leg(),
    "whole body, a deep breath": whole_body(breathing_forward_m=0.02, breathing_down_m=0.03),
}


def moved_parts(body: Body) -> list[tuple[str, Movement, np.ndarray, np.ndarray]]:
    """Each movement of a body with the box of all that it moves, and 3 cm around."""
    boxes: dict[Movement, tuple[str, list, list]] = {}
    for layer in body.layers:
        if layer.movement is not None:
            _, low, high = boxes.setdefault(layer.movement, (layer.organ, [], []))
            low.append(np.maximum(layer.shape.low_m, body.low_m))
            high.append(np.minimum(layer.shape.high_m, body.high_m))
    if body.movement is not None:
        boxes[body.movement] = ("whole", [np.array(body.low_m)], [np.array(body.high_m)])
    return [
        (name, move, np.min(low, axis=0) - 0.03, np.max(high, axis=0) + 0.03) for move, (name, low, high) in boxes.items()
    ]  # fmt: skip


def slopes(move: Movement, points: np.ndarray, time: float) -> np.ndarray:
    """Largest singular values of the slope of the inverse."""
    step = 1e-5
    columns = [
        (move.at_rest(points + step * way, time) - move.at_rest(points - step * way, time)) / (2 * step) for way in np.eye(3)
    ]
    return np.linalg.norm(np.stack(columns, axis=-1), ord=2, axis=(1, 2))


def lengthened(move: Movement, points: np.ndarray, time: float, random: np.random.Generator) -> np.ndarray:
    """By how much a distance up to `REACH_M` is longer when the movement is undone."""
    way = random.normal(size=points.shape)
    way *= REACH_M * random.random((len(points), 1)) / np.linalg.norm(way, axis=1, keepdims=True)
    return np.linalg.norm(move.at_rest(points + way, time) - move.at_rest(points, time), axis=1) / np.linalg.norm(way, axis=1)


@pytest.mark.parametrize("name", BODIES)
def test_a_movement_lengthens_no_distance_by_more_than_it_states(name):
    random = np.random.default_rng(0)
    for organ, move, low, high in moved_parts(BODIES[name]):
        for time in (0.2, 0.33, 0.6, 2.3):
            points = random.uniform(low, high, (3000, 3))
            for found in (slopes(move, points, time), lengthened(move, points, time, random)):
                assert found.max() <= move.stretch * (1 + 1e-6), f"{organ} at {time} s"


def test_the_bound_of_a_beat_is_no_looser_than_it_has_to_be():
    body = BODIES["torso"]
    move, end = organ_movement(body, "left ventricle wall"), body.truths["end_systole_s"]
    assert move is not None
    layer = next(layer for layer in body.layers if layer.organ == "left ventricle")
    points = np.random.default_rng(1).uniform(layer.shape.low_m, layer.shape.high_m, (20_000, 3))
    assert slopes(move, points, end).max() > 0.85 * move.stretch


def test_a_beat_has_its_inverse_in_the_blood_too_which_thins_out_evenly():
    body = heart()
    layer = next(layer for layer in body.layers if layer.organ == "left ventricle")
    move, end = layer.movement, body.truths["end_systole_s"]
    assert move is not None
    points = np.random.default_rng(2).uniform(layer.shape.low_m, layer.shape.high_m, (20_000, 3))
    deep = points[layer.shape.distance(points) < -8e-3]
    assert len(deep) > 500
    for time in (0.5 * end, end):
        assert np.abs(move.at_rest(move.forward(deep, time), time) - deep).max() < 1e-9
    swelling = np.linalg.det(jacobian(move, deep, end))
    assert np.ptp(swelling) < 1e-6 * swelling.mean() + 1e-6  # differences over 0.2 mm of a map that is linear but for its turn
    assert 0 < swelling.mean() < 1


def test_a_shear_lengthens_by_its_larger_singular_value():
    for slope in (0.0, 0.3, 2.0):
        assert sheared(slope) == pytest.approx(np.linalg.norm([[1, 0], [slope, 1]], ord=2), rel=1e-12)
