"""Solvers: conjugate gradients, proximal gradient, power iteration, soft threshold."""

# TRUTHS of solvers: CG solves SPD in n steps | each batch member as if alone | an empty problem stays zero | CG reports honestly
#   | proximal gradient meets the LASSO optimality conditions | orthogonal LASSO = one shrinkage | power iteration = eigvalsh
#   | soft threshold shrinks magnitudes, keeps phases

import pytest
import torch

from fullbore.numerics.conjugate_gradient import conjugate_gradient
from fullbore.numerics.eigenvalue import largest_eigenvalue
from fullbore.numerics.proximal_gradient import proximal_gradient
from fullbore.numerics.threshold import soft_threshold


def problem(rows=30, columns=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(rows, columns, dtype=torch.complex128, generator=generator)
    return a, torch.randn(rows, dtype=torch.complex128, generator=generator)


def test_conjugate_gradient_solves():
    a, y = problem()
    report = conjugate_gradient(lambda x: a.mH @ (a @ x), a.mH @ y, iterations=20, tolerance=1e-12)
    assert report.status == "converged"
    assert report.iterations <= 14
    assert torch.allclose(report.value, torch.linalg.lstsq(a, y[:, None]).solution[:, 0], atol=1e-10)


def test_batch_is_loop():
    (a, y), (b, z) = problem(seed=1), problem(seed=2)
    both, right = torch.stack([a, b]), torch.stack([a.mH @ y, 100 * (b.mH @ z)])
    joint = conjugate_gradient(
        lambda x: torch.einsum("bji,bjk,bk->bi", both.conj(), both, x), right, iterations=5, batch_axes=(0,)
    )
    alone = conjugate_gradient(lambda x: b.mH @ (b @ x), right[1], iterations=5)
    assert torch.allclose(joint.value[1], alone.value, atol=1e-10)


def test_empty_problem_stays_zero():
    a, y = problem()
    right = torch.stack([torch.zeros(12, dtype=torch.complex128), a.mH @ y])
    report = conjugate_gradient(lambda x: x @ (a.mH @ a).T, right, iterations=20, batch_axes=(0,))
    assert torch.all(report.value[0] == 0)
    assert report.status == "converged"


def test_conjugate_gradient_reports_its_residual():
    a, y = problem()
    right = a.mH @ y
    seen = []
    report = conjugate_gradient(lambda x: a.mH @ (a @ x), right, iterations=3, tolerance=1e-12, progress=seen.append)
    true = torch.linalg.vector_norm(right - a.mH @ (a @ report.value)) / torch.linalg.vector_norm(right)
    assert report.status == "iteration limit"
    assert report.residual == pytest.approx(float(true), rel=1e-6)
    assert seen == pytest.approx([1 / 3, 2 / 3, 1])


def test_lasso_optimality():
    a, y = problem(20, 40)
    weight = 3.0
    step = 1 / largest_eigenvalue(lambda x: a.mH @ (a @ x), torch.ones(40, dtype=torch.complex128), 200)
    report = proximal_gradient(
        lambda x: a.mH @ (a @ x - y),
        lambda v, _: soft_threshold(v, step * weight),
        torch.zeros(40, dtype=torch.complex128),
        step=step,
        iterations=5000,
        tolerance=1e-12,
    )
    slope, x = a.mH @ (a @ report.value - y), report.value
    on = x.abs() > 1e-9
    assert 0 < int(on.sum()) < 40
    assert torch.allclose(slope[on], -weight * x[on] / x[on].abs(), atol=1e-6)
    assert float(slope[~on].abs().max()) <= weight + 1e-6


def test_orthogonal_lasso_is_one_shrinkage():
    y = problem()[1]
    report = proximal_gradient(lambda x: x - y, lambda v, _: soft_threshold(v, 0.7), torch.zeros_like(y), step=1.0)
    assert torch.allclose(report.value, soft_threshold(y, 0.7), atol=1e-12)
    assert report.iterations == 2


def test_power_iteration():
    a, _ = problem()
    gram = a.mH @ a
    wanted = float(torch.linalg.eigvalsh(gram)[-1])
    assert largest_eigenvalue(lambda x: gram @ x, torch.ones(12, dtype=torch.complex128), 300) == pytest.approx(wanted, rel=1e-6)


def test_soft_threshold():
    x = torch.tensor([3 + 4j, 0.1j, 0, -2])
    assert torch.allclose(soft_threshold(x, 1.0), torch.tensor([2.4 + 3.2j, 0, 0, -1]))
