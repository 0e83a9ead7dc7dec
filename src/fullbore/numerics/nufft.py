"""Fourier transforms from a grid to any points of k-space, by FINUFFT on the CPU and cuFINUFFT on CUDA.

Where cuFINUFFT is not installed, values of another device are transformed on the CPU and taken back.

    s_j = N^-1/2 sum_r x[r] exp(-2 pi i k_j . (r - n//2) / n),
with k in cycles per field of view and N grid points: at k = integers in [-n//2, ...) this is `fft_centred`.
"""

from __future__ import annotations

import importlib
import math
import threading
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Inexact
from torch import Tensor

from fullbore.errors import ShapeError, ValueRangeError
from fullbore.numerics.linear_operator import LinearOperator

# Single precision cannot hold more; FINUFFT warns below.
_SINGLE_PRECISION = 3e-7
_PLANS_KEPT = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NonUniformFourier(LinearOperator):
    """(*shape) to (n,): the transform above; `adjoint` is its exact conjugate transpose, not an inverse.

    points: (n, d) in cycles per field of view, along the axes of `shape` (d = 1 to 3). |points| should stay below half of
        `shape`: the grid's spectrum repeats beyond.
    tolerance: relative error of the transform. threads: None takes torch's number at the time of the call.
    Plans are made once per batch size and dtype, and kept. Calls from several threads take turns.
    Errors: ShapeError, ValueRangeError (points not finite).
    Source: Barnett, Magland and af Klinteberg, SIAM J. Sci. Comput. 41:C479 (2019).
    """

    points: Float[Tensor, "n d"]
    shape: tuple[int, ...]
    tolerance: float = 1e-6
    threads: int | None = None
    _plans: dict[tuple[Any, ...], Any] = field(init=False, repr=False, default_factory=dict)
    _lock: Any = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if not 1 <= len(self.shape) <= 3 or self.points.shape[1] != len(self.shape):
            raise ShapeError(f"NonUniformFourier: got points {tuple(self.points.shape)} for a grid of {len(self.shape)} axes.")
        if not bool(torch.isfinite(self.points).all()):
            raise ValueRangeError("NonUniformFourier.points: NaN or infinity. Correct the trajectory.")

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """The grid."""
        return self.shape

    @property
    def range_shape(self) -> tuple[int, ...]:
        """One sample per point."""
        return (self.points.shape[0],)

    def _forward(self, x: Tensor) -> Tensor:
        return self._execute(2, x, self.shape, self.range_shape)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._execute(1, y, self.range_shape, self.shape)

    def _normal(self, x: Tensor) -> Tensor:
        return self._adjoint(self._forward(x))

    def _execute(self, kind: int, values: Tensor, source: tuple[int, ...], target: tuple[int, ...]) -> Tensor:
        batch = values.shape[: values.ndim - len(source)]
        count = math.prod(batch)
        if count == 0 or self.points.shape[0] == 0:
            return values.new_zeros((*batch, *target))
        flat = values.reshape(count, *source).resolve_conj().contiguous()
        with self._lock:
            plan = self._plan(kind, flat, count)
            result = plan.execute(flat)
        return result.reshape(*batch, *target).mul_(1 / math.sqrt(math.prod(self.shape)))

    def _plan(self, kind: int, like: Tensor, count: int) -> Any:
        threads = self.threads or torch.get_num_threads()
        key = (kind, like.dtype, like.device, count, threads)
        if key not in self._plans:
            while len(self._plans) >= _PLANS_KEPT:
                del self._plans[next(iter(self._plans))]
            self._plans[key] = nonuniform_plan(kind, self.points, self.shape, count, self.tolerance, like, threads)
        return self._plans[key]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NonUniformPlan:
    """A plan with its points set. own: the library's plan. native: it takes tensors of the values' own device."""

    own: Any
    native: bool

    def execute(self, values: Inexact[Tensor, ...]) -> Inexact[Tensor, ...]:
        """The transform of `values`, on their device."""
        if self.native:
            return torch.as_tensor(self.own.execute(values))
        return torch.from_numpy(self.own.execute(values.cpu().numpy())).to(values.device)


def nonuniform_plan(
    kind: int, points: Float[Tensor, "n d"], shape: tuple[int, ...], count: int, tolerance: float, like: Tensor, threads: int
) -> NonUniformPlan:
    """`count` transforms with their points set; kind 2: grid to points, exponent -i; kind 1: back, +i.

    like: gives dtype and device. points: cycles per field of view of `shape`.
    """
    single = like.dtype == torch.complex64
    real = torch.float32 if single else torch.float64
    cuda = _cuda_library() if like.is_cuda else None
    scale = torch.tensor([2 * math.pi / n for n in shape], dtype=torch.float64)
    angles = (points.to(torch.float64) * scale.to(points.device)).to(device=like.device if cuda else "cpu", dtype=real)
    axes = [angle.contiguous() for angle in angles.unbind(1)]
    plan = (cuda or importlib.import_module("finufft")).Plan(
        kind,
        shape,
        count,
        max(tolerance, _SINGLE_PRECISION) if single else tolerance,
        1 if kind == 1 else -1,
        "complex64" if single else "complex128",
        **({"gpu_device_id": like.device.index or 0} if cuda else _shared(kind, count, threads)),
    )
    plan.setpts(*(axes if cuda else [axis.numpy() for axis in axes]))
    return NonUniformPlan(own=plan, native=cuda is not None)


def _shared(kind: int, count: int, threads: int) -> dict[str, int]:
    """Threads of kind 1 share out transforms, never the points of one: those add to the grid in an order of chance."""
    return {"nthreads": min(threads, count), "spread_thread": 2} if kind == 1 else {"nthreads": threads}


def _cuda_library() -> Any | None:
    try:
        return importlib.import_module("cufinufft")
    except ImportError:
        return None
