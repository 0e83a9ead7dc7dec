"""Linear maps between arrays: forward, adjoint and normal, with shapes checked at the door."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from jaxtyping import Inexact
from torch import Tensor

from fullbore.errors import ShapeError


class LinearOperator(ABC):
    """A linear map A from arrays of shape `(*batch, *domain_shape)` to `(*batch, *range_shape)`.

    Leading batch axes are free and treated independently. Device and dtype come from the input. `adjoint` is the
    conjugate transpose of `forward` and `normal` is adjoint after forward, in a leaf's fastest way.
    Errors: ShapeError when an input does not end in the wanted shape.
    """

    @property
    @abstractmethod
    def domain_shape(self) -> tuple[int, ...]:
        """Trailing shape of what `forward` takes."""

    @property
    @abstractmethod
    def range_shape(self) -> tuple[int, ...]:
        """Trailing shape of what `forward` gives."""

    @abstractmethod
    def _forward(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def _adjoint(self, y: Tensor) -> Tensor: ...

    @abstractmethod
    def _normal(self, x: Tensor) -> Tensor: ...

    def forward(self, x: Inexact[Tensor, "*_"]) -> Inexact[Tensor, "*_"]:
        """A x."""
        return self._forward(self._checked("forward", x, self.domain_shape))

    def adjoint(self, y: Inexact[Tensor, "*_"]) -> Inexact[Tensor, "*_"]:
        """A^H y."""
        return self._adjoint(self._checked("adjoint", y, self.range_shape))

    def normal(self, x: Inexact[Tensor, "*_"]) -> Inexact[Tensor, "*_"]:
        """A^H A x."""
        return self._normal(self._checked("normal", x, self.domain_shape))

    def __matmul__(self, inner: LinearOperator) -> Compose:
        return Compose(outer=self, inner=inner)

    def _checked(self, verb: str, x: Tensor, wanted: tuple[int, ...]) -> Tensor:
        if tuple(x.shape[x.ndim - len(wanted) :]) != wanted or x.ndim < len(wanted):
            raise ShapeError(f"{type(self).__name__}.{verb}: got {tuple(x.shape)}, wanted (*batch, {str(wanted)[1:]}.")
        return x


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compose(LinearOperator):
    """`outer` after `inner`; written `outer @ inner`."""

    outer: LinearOperator
    inner: LinearOperator

    def __post_init__(self) -> None:
        if self.outer.domain_shape != self.inner.range_shape:
            raise ShapeError(
                f"{type(self.outer).__name__} @ {type(self.inner).__name__}: the first takes {self.outer.domain_shape}, "
                f"the second gives {self.inner.range_shape}."
            )

    @property
    def domain_shape(self) -> tuple[int, ...]:
        """What `inner` takes."""
        return self.inner.domain_shape

    @property
    def range_shape(self) -> tuple[int, ...]:
        """What `outer` gives."""
        return self.outer.range_shape

    def _forward(self, x: Tensor) -> Tensor:
        return self.outer.forward(self.inner.forward(x))

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.inner.adjoint(self.outer.adjoint(y))

    def _normal(self, x: Tensor) -> Tensor:
        return self.inner.adjoint(self.outer.normal(self.inner.forward(x)))
