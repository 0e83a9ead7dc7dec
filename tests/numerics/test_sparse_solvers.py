"""Optimised gradient, primal-dual, differences, shrinkage of several kinds."""

# TRUTHS of sparse solvers: optimised gradient and FISTA find one minimum, the first in fewer steps | primal-dual = FISTA where
#   both apply | total variation of a step = its closed form | differences have their adjoints, |K|^2 below its bound
#   | strain of a linear field is constant | rank one lowers its one singular value | shrinkage = its own minimisation
#   | the log penalty keeps large values | one shift = the transform's own | planes = the general path | a constant passes
#   | in place = beside it
#   | blocks lie on their rolled lattice | blocks in the cache = singular value decomposition | sums in pieces = sums

import math

import numpy as np
import pytest
import torch

from fullbore.errors import UsageError
from fullbore.numerics.cycle_spinning import shrink_cycled
from fullbore.numerics.differences import gradient, gradient_adjoint, strain, strain_adjoint
from fullbore.numerics.eigenvalue import largest_eigenvalue
from fullbore.numerics.iterate_sums import sums_of_optimised_step, sums_of_step
from fullbore.numerics.low_rank import block_places, shrink_placed_blocks, shrink_singular_values
from fullbore.numerics.optimised_gradient import optimised_gradient
from fullbore.numerics.primal_dual import primal_dual
from fullbore.numerics.proximal_gradient import proximal_gradient
from fullbore.numerics.threshold import shrink_factor, soft_threshold
from fullbore.numerics.wavelet import Wavelet
from fullbore.recon.priors.variation import onto_ball


def randn(*shape, seed=0, dtype=torch.complex128):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def lasso():
    a, y = randn(30, 40), randn(30, seed=1)
    step = 1 / float(torch.linalg.matrix_norm(a, 2)) ** 2
    return a, y, step, lambda x: 0.5 * float((a @ x - y).abs().square().sum()) + 2.0 * float(x.abs().sum())


def test_optimised_gradient_finds_the_minimum_sooner():
    a, y, step, objective = lasso()
    slope, start = (lambda x: a.mH @ (a @ x - y)), torch.zeros(40, dtype=torch.complex128)

    def fista(n):
        prox = lambda v, i: soft_threshold(v, 2.0 * step)  # noqa: E731
        return proximal_gradient(slope, prox, start, step=step, iterations=n, tolerance=1e-14).value

    def ours(n):
        prox = lambda v, s, i: soft_threshold(v, 2.0 * s)  # noqa: E731
        return optimised_gradient(slope, prox, start, step=step, iterations=n, tolerance=1e-14).value

    best = objective(fista(5000))
    assert objective(ours(3000)) == pytest.approx(best, rel=1e-9)
    assert objective(ours(20)) - best < objective(fista(20)) - best


def test_primal_dual_finds_the_minimum():
    a, y, step, objective = lasso()
    slope, start = (lambda x: a.mH @ (a @ x - y)), torch.zeros(40, dtype=torch.complex128)
    identity = lambda x: x  # noqa: E731
    report = primal_dual(
        slope, identity, identity, lambda p: onto_ball(p[None], 2.0)[0], start,
        lipschitz=1 / step, norm_squared=1.0, iterations=20000, tolerance=1e-13,
    )  # fmt: skip
    slow = proximal_gradient(
        slope, lambda v, i: soft_threshold(v, 2.0 * step), start, step=step, iterations=5000, tolerance=1e-14
    )
    assert objective(report.value) == pytest.approx(objective(slow.value), rel=1e-8)


def test_total_variation_of_a_step():
    """Denoising n samples at 0 and n at 1 with weight w moves each side by w / n towards the other."""
    n, weight = 10, 0.8
    x = torch.cat([torch.zeros(n), torch.ones(n)]).to(torch.complex128)
    report = primal_dual(
        lambda u: u - x, lambda u: gradient(u, (-1,)), lambda p: gradient_adjoint(p, (-1,)),
        lambda p: onto_ball(p, weight), x, lipschitz=1.0, norm_squared=4.0, iterations=20000, tolerance=1e-13,
    )  # fmt: skip
    wanted = torch.cat([torch.full((n,), weight / n), torch.full((n,), 1 - weight / n)])
    assert torch.allclose(report.value.real, wanted.double(), atol=1e-7)


@pytest.mark.parametrize("axes", [(-1,), (-2, -1), (-3, -2, -1)])
def test_differences(axes):
    x, field = randn(6, 7, 8), randn(len(axes), 6, 7, 8, seed=1)
    image = gradient(x, axes)
    tensor = strain(field, axes)
    other = randn(*tensor.shape, seed=2)
    assert torch.vdot(image.flatten(), field.flatten()).item() == pytest.approx(
        torch.vdot(x.flatten(), gradient_adjoint(field, axes).flatten()).item(), abs=1e-12
    )
    assert torch.vdot(tensor.flatten(), other.flatten()).item() == pytest.approx(
        torch.vdot(field.flatten(), strain_adjoint(other, axes).flatten()).item(), abs=1e-12
    )
    for forward, adjoint, start in ((gradient, gradient_adjoint, x), (strain, strain_adjoint, field)):
        largest = largest_eigenvalue(lambda v, f=forward, g=adjoint: g(f(v, axes), axes), start, 60)
        assert 2 * len(axes) < largest < 4 * len(axes)


def test_strain_of_a_linear_field():
    """v = (2 i + j, i): the derivatives are 2, 1 and 1, 0, so the tensor is (2, 1; 1, 0), inside."""
    i, j = torch.meshgrid(torch.arange(6.0), torch.arange(5.0), indexing="ij")
    inside = strain(torch.stack([2 * i + j, i]), (-2, -1))[:, :-1, :-1]
    assert torch.allclose(inside, torch.tensor([2.0, math.sqrt(2), 0.0])[:, None, None].expand_as(inside))


def test_low_rank():
    u, v = randn(5), randn(64, seed=1)
    x = u[:, None] * v
    size = float(torch.linalg.vector_norm(x))
    assert torch.allclose(shrink_singular_values(x, 0.25 * size), 0.75 * x, atol=1e-7)
    assert float(shrink_singular_values(x, 1.1 * size).abs().max()) < 1e-7
    full = randn(3, 5, 64)
    left, values, right = torch.linalg.svd(full, full_matrices=False)
    wanted = (left * (values - 6).clamp_min(0)[:, None]) @ right
    assert torch.allclose(shrink_singular_values(full, 6.0), wanted, atol=1e-10)


def test_blocks():
    """The lattice begins at its shift and goes around the end; what fills no block is left as it is."""
    x = randn(3, 9, 8, 5)
    places = torch.from_numpy(block_places((9, 8, 5), (4, 4, 5), [2, 5, 1]))
    rolled = torch.roll(x, (-2, -5, -1), (1, 2, 3))
    blocks = x.reshape(3, -1)[:, places].movedim(0, 1)
    assert torch.equal(blocks[1], rolled[:, :4, 4:].reshape(3, -1))
    result = x.clone()
    shrink_placed_blocks(result.reshape(3, -1), places, 5.0)
    back = torch.roll(result, (-2, -5, -1), (1, 2, 3))
    wanted = shrunk(blocks[1].reshape(3, -1), 5.0).reshape(3, 4, 4, 5)
    assert torch.allclose(back[:, :4, 4:], wanted, atol=1e-12) and torch.equal(back[:, 8:], rolled[:, 8:])


def shrunk(x, threshold):
    left, values, right = torch.linalg.svd(x, full_matrices=False)
    return (left * (values - threshold).clamp_min(0).unsqueeze(-2)) @ right


@pytest.mark.parametrize(("frames", "voxels"), [(24, 64), (64, 24), (1, 5), (2, 7), (5, 5), (40, 41)])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 8.0])
def test_blocks_are_shrunk_as_by_a_singular_value_decomposition(frames, voxels, threshold):
    """Noise; noise and a strong course; one course alone; nothing. Single precision: eps times the largest over a kept one."""
    x = randn(4, frames, voxels)
    x[1] += 20 * randn(frames, 1, seed=1)
    x[2] = 3 * randn(frames, 1, seed=2)
    x[3] = 0
    places, wanted = torch.arange(4 * voxels).reshape(4, voxels), shrunk(x, threshold)
    values = torch.linalg.svdvals(x)
    least = torch.where(values > max(threshold, 1e-9), values, torch.inf).amin(-1)
    single = (torch.finfo(torch.float32).eps * values[:, 0] / least).clamp_min(2e-5)
    for dtype, tolerance in ((torch.complex128, 1e-12), (torch.complex64, single)):
        flat = x.movedim(0, 1).reshape(frames, -1).to(dtype, copy=True)
        shrink_placed_blocks(flat, places, threshold)
        error = (flat.reshape(frames, 4, voxels).movedim(0, 1) - wanted).abs().amax((1, 2))
        assert bool((error <= tolerance * x.abs().amax((1, 2))).all())


def test_what_is_not_finite_stays_so():
    x = randn(6, 20)
    x[2, 3] = math.nan
    shrink_placed_blocks(x, torch.arange(20).reshape(2, 10), 1.0)
    assert bool(x[:, :10].isnan().all()) and not bool(x[:, 10:].isnan().any())


def test_sums_of_a_step():
    x, y, z, w, u = (randn(3, 70001, seed=seed) for seed in range(5))
    inner = lambda a, b: float((a.conj() * b).sum().real)  # noqa: E731
    wanted = inner(y - x, y - x), inner(y, y), inner(z - y, y - x)
    assert sums_of_step(x, y, z) == pytest.approx(wanted, rel=1e-10)
    wanted = *wanted[:2], inner(x - w - 0.3 * (y - z), w - u)
    assert sums_of_optimised_step(x, y, z, w, u, 0.3) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("step", [0.5, 1.0, 1.6])
@pytest.mark.parametrize("penalty", ["l1", "log"])
def test_shrinkage_is_its_own_minimisation(penalty, step):
    t = 0.7
    u = np.linspace(0, 6, 600001)
    slope = np.ones_like(u) * t if penalty == "l1" else (np.sqrt(u * u + 4 * t * t) - u) / 2
    cost = np.concatenate([[0], np.cumsum((slope[1:] + slope[:-1]) / 2 * np.diff(u))])
    for v in (0.2, 0.9, 1.3, 4.0):
        best = u[np.argmin((u - v) ** 2 / 2 + step * cost)]
        assert v * float(shrink_factor(torch.tensor(v * v, dtype=torch.float64), t, step, penalty)) == pytest.approx(
            best, abs=2e-5
        )


def test_log_penalty_keeps_large_values():
    """At 20 thresholds it takes 1/400 of the value, where l1 takes 1/20."""
    assert float(shrink_factor(torch.tensor(400.0), 1.0, 1.0, "log")) == pytest.approx(1 - 1 / 400, abs=1e-6)
    assert float(shrink_factor(torch.tensor(400.0), 1.0, 1.0, "l1")) == pytest.approx(1 - 1 / 20, abs=1e-6)


@pytest.mark.parametrize("shape", [(1, 57, 61), (3, 48, 64), (2, 1, 36), (32, 24, 40), (37, 21, 50)])
@pytest.mark.parametrize("dtype", [torch.complex128, torch.complex64, torch.float32])
def test_planes_are_the_general_path(shape, dtype):
    wavelet, x = Wavelet(shape=shape, levels=3), randn(2, *shape, dtype=dtype)
    shifts = [(0, 3, 5), (0, 0, 0), (0, 7, 2)]
    exact = 1e-12 if dtype == torch.complex128 else 1e-5
    mean = sum(wavelet.shrink(x, 0.6, shift) for shift in shifts) / 3
    assert torch.allclose(shrink_cycled(wavelet, x, 0.4, 1.5, shifts), mean, atol=exact)
    # One magnitude over a single leading image is that image's own.
    alone = shrink_cycled(wavelet, x[:1], 0.4, 1.5, shifts, "log", joint=1)
    assert torch.allclose(shrink_cycled(wavelet, x[:1], 0.4, 1.5, shifts, "log"), alone, atol=exact)


@pytest.mark.parametrize(("shape", "in_place"), [((32, 24, 40), True), ((37, 21, 50), False), ((1, 48, 64), False)])
def test_what_is_given_up_is_shrunk_where_it_lies(shape, in_place):
    wavelet, x = Wavelet(shape=shape, levels=3), randn(2, *shape, dtype=torch.complex64)
    shift = [(0, 3, 5) if shape[0] == 1 else (9, 3, 5)]
    kept = x.clone()
    wanted = shrink_cycled(wavelet, x, 0.4, 1.5, shift, "log")
    assert torch.equal(x, kept)
    found = shrink_cycled(wavelet, x, 0.4, 1.5, shift, "log", given_up=True)
    assert torch.equal(found, wanted) and (found.data_ptr() == x.data_ptr()) == in_place


def test_joint_details_share_their_fate():
    """A detail too weak in one frame survives when the other frame has it."""
    wavelet = Wavelet(shape=(1, 32, 32), levels=2)
    details = torch.zeros(2, 1, 32, 32, dtype=torch.complex128)
    details[0, 0, 20, 20], details[1, 0, 20, 20] = 5.0, 0.5
    x = wavelet.adjoint(details)
    assert float(wavelet.forward(shrink_cycled(wavelet, x, 1.0, 1.0, [(0, 0, 0)]))[1].abs().max()) < 1e-12
    joint = wavelet.forward(shrink_cycled(wavelet, x, 1.0, 1.0, [(0, 0, 0)], joint=1))
    assert float(joint[1].abs().max()) == pytest.approx(0.5 * (1 - 1 / math.hypot(5, 0.5)), abs=1e-9)


def test_no_map_beyond_step_two():
    with pytest.raises(UsageError, match="step"):
        shrink_cycled(Wavelet(shape=(1, 32, 32)), randn(1, 32, 32), 0.1, 2.0, [(0, 0, 0)], "log")
