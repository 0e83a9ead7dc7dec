"""Where the image of a Pulseq file is, from what its readouts reach."""

# TRUTHS of geometry: curves have the matrix that their reach resolves, whatever their readouts are called

import numpy as np
import pytest

from fullbore.files.pulseq_geometry import geometry

FOV_M, SAMPLES = 0.24, 64


@pytest.mark.parametrize("oversampling", [1, 2])
@pytest.mark.parametrize("labelled", [False, True])
def test_spokes_resolve_the_circle_that_they_reach(oversampling, labelled):
    angle = np.pi * np.arange(50) / 50
    direction = np.stack([np.cos(angle), np.sin(angle), np.zeros(50)], axis=1)
    step = direction / FOV_M / oversampling
    first = -(SAMPLES * oversampling // 2) * step
    counters = np.zeros((50, 9), np.int32)
    counters[:, 0] = np.arange(50) * labelled
    found = geometry(first, step, SAMPLES * oversampling, counters, np.zeros((50, 3)), {"FOV": "0.24 0.24 0.005"})
    assert found.matrix == found.encoded_matrix == (SAMPLES, SAMPLES, 1)
    assert found.fov_m == found.encoded_fov_m == (FOV_M, FOV_M, 0.005)


def test_a_kooshball_resolves_a_ball():
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(400, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    ball, none = {"FOV": "0.24 0.24 0.24"}, np.zeros((400, 3))
    found = geometry(-16 * direction / FOV_M, direction / FOV_M, 32, np.zeros((400, 9), np.int32), none, ball)
    assert found.matrix == (32, 32, 32)
    assert found.is_3d
