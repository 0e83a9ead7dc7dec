# TRUTHS of pulse propagators: equal to the readable Bloch reference, relaxation, gradient and B1 included
#   | a frequency table equals integration | far outside its table a pulse does nothing | Chebyshev interpolation is exact
from __future__ import annotations

import numpy as np

from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T, GYROMAGNETIC_RATIO_RAD_PER_S_T
from fullbore.signal import play
from fullbore.simulate.nodes import barycentric_matrix, chebyshev_nodes
from fullbore.simulate.pulses import IDENTITY, FrequencyTable, propagators
from fullbore.simulate.timeline import PulseKind

STEPS, STEP, GRADIENT = 320, 8e-6, 3e5
_X = (np.arange(STEPS) + 0.5) / STEPS * 4 - 2
_SHAPE = np.sinc(_X) * np.cos(np.pi * _X / 4) ** 2
B1 = _SHAPE / _SHAPE.sum() / STEP * (np.pi / 2) / GYROMAGNETIC_RATIO_RAD_PER_S_T * np.exp(0.3j)


def kind(gradient: float = GRADIENT) -> PulseKind:
    along = np.tile([0.0, 0.0, gradient], (STEPS, 1))
    return PulseKind(b1_T=B1, gradient_Hz_per_m=along, step_s=STEP, centre_s=STEPS * STEP / 2, use="e", name="test")


def test_propagator_is_bloch():
    rng, n = np.random.default_rng(0), 40
    z, off, scale = rng.uniform(-6e-3, 6e-3, n), rng.uniform(-200, 200, n), rng.uniform(0.7, 1.3, n)
    t1, t2, centre = np.full(n, 0.5), np.full(n, 0.03), STEPS * STEP / 2
    terms = propagators(kind(), np.array([0.0, 0, 1]), z, off, scale, t1, t2)
    plus, m_z = rng.normal(size=n) + 1j * rng.normal(size=n), rng.normal(size=n)
    free = np.exp(centre / t2 + 2j * np.pi * (off + GRADIENT * z) * centre)  # undoes what happens between edge and centre
    _, (end, end_z) = play(
        position_m=np.outer(z, [0, 0, 1.0]), t1_s=t1, t2_s=t2, off_resonance_Hz=off, b1_scale=scale, weight=np.eye(n),
        dt_s=np.full(STEPS, STEP), b1_T=np.conj(B1), sampled=np.zeros(STEPS, bool),
        gradient_T_per_m=np.tile([0, 0, GRADIENT / GYROMAGNETIC_RATIO_HZ_PER_T], (STEPS, 1)),
        start=(plus * free, 1 + (m_z - 1) * np.exp(centre / t1)),
    )  # fmt: skip
    p11, p12, p13, p31 = (terms[:, 2 * i] + 1j * terms[:, 2 * i + 1] for i in range(4))
    got = p11 * plus + p12 * plus.conj() + p13 * m_z + terms[:, 9] + 1j * terms[:, 10]
    np.testing.assert_allclose(got, end * free, atol=1e-10)
    got_z = 2 * (p31 * plus).real + terms[:, 8] * m_z + terms[:, 11]
    np.testing.assert_allclose(got_z, 1 + (end_z - 1) * np.exp(centre / t1), atol=1e-10)


def test_table_is_integration():
    scale, nu = np.array([0.8, 1.1]), np.random.default_rng(1).uniform(-2000, 2000, 30)
    got = FrequencyTable(kind(), 3000.0, scale, 0.5, 0.03)(nu)
    ones = np.ones(30)
    wanted = propagators(kind(0), np.zeros(3), 0 * nu, nu, 1.1 * ones, 0.5 * ones, 0.03 * ones)
    assert np.abs(got[:, 1] - wanted).max() < 1e-5


def test_nothing_happens_outside_the_table():
    got = FrequencyTable(kind(), 3000.0, np.ones(1), 0.5, 0.03)(np.array([-9000.0, 9000.0]))
    np.testing.assert_array_equal(got[:, 0], np.stack([IDENTITY, IDENTITY]))


def test_chebyshev_interpolation_is_exact_for_polynomials():
    nodes, points = chebyshev_nodes(5, -2.0, 3.0), np.linspace(-2, 3, 17)
    np.testing.assert_allclose(barycentric_matrix(nodes, points) @ nodes**4, points**4, atol=1e-11)
    np.testing.assert_allclose(barycentric_matrix(nodes, nodes), np.eye(5), atol=1e-12)
