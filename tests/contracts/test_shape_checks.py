# TRUTHS of the checks of types and shapes: what jaxtyping refuses is refused, what it lets pass passes | axes agree among the
#   arguments and with the result | each call has axes of its own | an integer is no float | generators run | what a
#   function within a function held is freed
from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from beartype import beartype
from jaxtyping import Float, TypeCheckError, jaxtyped

from tests import shape_checks

ONE, TWO = np.ones(1), np.ones(2)


def product(a: Float[np.ndarray, " n"], b: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return a * b


def doubled(a: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return np.concatenate([a, a])


def scaled(a: float, times: int) -> float:
    return a * times


def counted(a: Float[np.ndarray, " n"], n: int) -> Float[np.ndarray, " {n}"]:
    return a


def nested(a: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    assert product(TWO, TWO).size == 2
    return a


def each(a: Float[np.ndarray, " n"]) -> Iterator[float]:
    yield from a.tolist()


def walked(a: Float[np.ndarray, " n"]) -> int:
    return len(list(each(a)))


@dataclass(frozen=True, slots=True)
class Pair:
    a: Float[np.ndarray, " n"]
    b: Float[np.ndarray, " n"]


CASES: list[tuple[Any, tuple[Any, ...], bool]] = [
    (product, (TWO, TWO), True),
    (product, (ONE, TWO), False),
    (product, (TWO, "two"), False),
    (product, (np.ones((2, 2)), TWO), False),
    (product, (np.ones(2, int), TWO), False),
    (doubled, (TWO,), False),
    (scaled, (1.0, 2), True),
    (scaled, (1, 2), False),
    (scaled, (1.0, np.int64(2)), False),
    (counted, (TWO, 2), True),
    (counted, (TWO, 3), False),
    (nested, (ONE,), True),
    (walked, (TWO,), True),
    (walked, ([1.0],), False),
    (Pair, (TWO, TWO), True),
    (Pair, (ONE, TWO), False),
]


def passes(decorated: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
    try:
        decorated(*arguments)
    except TypeCheckError:
        return False
    return True


def fresh(kind: Any) -> Any:
    return dataclass(frozen=True)(type(kind.__name__, (), {"__annotations__": kind.__annotations__, "__module__": __name__}))


@pytest.mark.parametrize("decorate", [jaxtyped(typechecker=beartype), shape_checks.checked], ids=["jaxtyping", "here"])
@pytest.mark.parametrize(("what", "arguments", "legal"), CASES)
def test_the_same_calls_pass(decorate: Any, what: Any, arguments: tuple[Any, ...], legal: bool) -> None:
    target = fresh(what) if isinstance(what, type) else what
    assert passes(decorate(target), arguments) == legal


def test_the_package_is_checked_by_it() -> None:
    from fullbore.numerics.wavelet_rows import padded

    with pytest.raises(TypeCheckError):
        padded([1.0], "not a dtype")  # type: ignore[arg-type]


def test_what_functions_within_functions_hold_is_freed():
    class Large:
        pass

    def holding(large: Large) -> Callable[[float], float]:
        def holds(number: float) -> float:
            return number if large else 0.0

        return shape_checks.checked(holds)

    large = Large()
    held = weakref.ref(large)
    assert holding(large)(2.0) == 2.0
    del large
    gc.collect()
    assert held() is None
