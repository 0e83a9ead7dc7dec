# TRUTHS of block GMRES: the answers of dense algebra, real and complex, from any start, restarted too | one right side: the steps
#   of GMRES | right sides that are alike, zero or combinations of each other cost nothing and do no harm | the whole space in
#   n / m steps | the block needs no more products than one by one | never more directions kept than allowed | NaN is refused
import pytest
import torch

from fullbore.errors import ValueRangeError
from fullbore.numerics.block_gmres import block_gmres
from fullbore.numerics.gmres import gmres

N = 60


def problem(dtype=torch.complex128, rows=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.eye(N, dtype=dtype) + 0.5 * torch.randn(N, N, generator=generator, dtype=dtype) / N**0.5
    return matrix, torch.randn(rows, N, generator=generator, dtype=dtype)


def counted(matrix):
    calls = []

    def operator(block):
        calls.append(len(block))
        return block @ matrix.T

    return operator, calls


@pytest.mark.parametrize("dtype", [torch.complex128, torch.float64])
@pytest.mark.parametrize("directions", [1000, 25])
def test_dense_algebra(dtype, directions):
    matrix, right = problem(dtype)
    operator, _ = counted(matrix)
    found = block_gmres(operator, right, directions=directions, tolerance=1e-10)
    assert found.status == "converged" and found.residual <= 1e-10
    assert torch.allclose(found.value, torch.linalg.solve(matrix, right.T).T, rtol=1e-8, atol=1e-8)
    again = block_gmres(operator, right, start=found.value, tolerance=1e-9)
    assert again.iterations == 0


def test_one_right_side_is_gmres():
    matrix, right = problem(rows=1)
    operator, _ = counted(matrix)
    found = block_gmres(operator, right, tolerance=1e-8)
    plain = gmres(lambda v: matrix @ v, right[0], tolerance=1e-8)
    assert found.iterations == plain.iterations
    assert torch.allclose(torch.tensor(found.history), torch.tensor(plain.history), rtol=1e-6)


def test_dependent_right_sides():
    matrix, right = problem(rows=2)
    operator, calls = counted(matrix)
    many = torch.stack([right[0], right[1], 3 * right[0], right[0] - 2j * right[1], torch.zeros(N, dtype=right.dtype)])
    found = block_gmres(operator, many, tolerance=1e-10)
    assert torch.allclose(found.value, torch.linalg.solve(matrix, many.T).T, atol=1e-8)
    assert max(calls[:-1]) <= 2  # the last call is the check of all five


def test_space_is_exhausted():
    matrix, right = problem(rows=7)
    operator, calls = counted(matrix)
    found = block_gmres(operator, right, tolerance=1e-13, iterations=40)
    assert found.iterations == -(-N // 7) and sum(calls[: found.iterations]) <= N + 7
    assert torch.allclose(found.value, torch.linalg.solve(matrix, right.T).T, atol=1e-10)


def test_block_needs_fewer_products():
    matrix, right = problem(rows=12)
    operator, calls = counted(matrix)
    block_gmres(operator, right, tolerance=1e-8)
    alone = sum(gmres(lambda v: matrix @ v, row, tolerance=1e-8).iterations for row in right)
    assert sum(calls) < 0.6 * alone


def test_limit_and_refusal():
    matrix, right = problem()
    operator, _ = counted(matrix)
    seen = []
    found = block_gmres(operator, right, iterations=3, progress=lambda step, residual: seen.append((step, residual)))
    assert found.status == "iteration limit" and [step for step, _ in seen] == [1, 2, 3]
    assert [residual for _, residual in seen] == list(found.history) == sorted(found.history, reverse=True)
    with pytest.raises(ValueRangeError, match="NaN"):
        block_gmres(operator, right * torch.nan)
