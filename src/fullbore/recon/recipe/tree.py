"""What to do with the data: a small frozen tree that can be written down, read back and hashed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from fullbore.errors import UsageError
from fullbore.recon.recipe.check import require
from fullbore.recon.recipe.coils import Coils, Espirit
from fullbore.recon.recipe.encodings import Cartesian, EncodingModel
from fullbore.recon.recipe.priors import OperatorPrior, Prior, ProximalPrior
from fullbore.recon.recipe.solvers import Combination, ConjugateGradient, PrimalDual, ProximalGradient, Solver
from fullbore.recon.recipe.subspace import Subspace

NoiseMap = Literal["estimated", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How raw data become an image.

    subspace: frames as combinations of few time courses, whose images are what is solved for; None: frames as they are.
    virtual_coils: the channels are compressed to at most so many; None keeps them all.
    noise_map: "estimated" or "none".
    Errors: UsageError for parts that do not go together or values out of range.
    """

    coils: Coils = field(default_factory=Espirit)
    encoding: EncodingModel = field(default_factory=Cartesian)
    solver: Solver = field(default_factory=Combination)
    prior: Prior | None = None
    subspace: Subspace | None = None
    virtual_coils: int | None = None
    noise_map: NoiseMap = "estimated"

    def __post_init__(self) -> None:
        _check_prior(self)
        require(self, self.virtual_coils is None or self.virtual_coils > 0, "virtual_coils > 0")
        require(self, self.noise_map in ("estimated", "none"), 'noise_map "estimated" or "none"')

    def to_dict(self) -> dict[str, Any]:
        """Plain tree: every part a table whose "kind" is its class."""
        parts = {name: _part_to_dict(getattr(self, name)) for name in _KINDS}
        return {**parts, "virtual_coils": self.virtual_coils, "noise_map": self.noise_map}

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> Recipe:
        """The inverse of `to_dict`; what is missing keeps its default. Errors: UsageError for an unknown key or kind."""
        values = dict(table)
        for name, kinds in _KINDS.items():
            if isinstance(values.get(name), dict):
                values[name] = _part_from_dict(name, values[name], kinds)
        return _construct(cls, "recipe", values)

    def digest(self) -> str:
        """SHA-256 of the tree."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()


def _check_prior(recipe: Recipe) -> None:
    wanted = {ProximalGradient: ProximalPrior, PrimalDual: OperatorPrior}.get(type(recipe.solver), type(None))
    names = {ProximalGradient: "a prior, wavelet or low rank,", PrimalDual: "a prior, a total variation,"}
    require(
        recipe,
        isinstance(recipe.prior, wanted),
        f"{names.get(type(recipe.solver), 'no prior')} with {type(recipe.solver).__name__}",
    )
    iterative = isinstance(recipe.solver, ConjugateGradient | ProximalGradient | PrimalDual)
    require(recipe, recipe.subspace is None or iterative, "an iterative solver for a subspace")


_KINDS: dict[str, tuple[type, ...]] = {
    name: get_args(union) or (union,)
    for name, union in {"coils": Coils, "encoding": EncodingModel, "solver": Solver, "prior": Prior, "subspace": Subspace}.items()
}


def _part_to_dict(part: Any) -> dict[str, Any] | None:
    return None if part is None else {"kind": type(part).__name__, **asdict(part)}


def _part_from_dict(name: str, table: dict[str, Any], kinds: tuple[type, ...]) -> Any:
    values = dict(table)
    by_name = {kind.__name__: kind for kind in kinds}
    kind = values.pop("kind", kinds[0].__name__ if len(kinds) == 1 else None)
    if kind not in by_name:
        raise UsageError(f"recipe, {name}.kind: got {kind!r}, wanted one of {', '.join(by_name)}.")
    return _construct(by_name[kind], f"recipe, {name}", values)


def _construct(kind: type, who: str, values: dict[str, Any]) -> Any:
    known = [item.name for item in fields(kind)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UsageError(f"{who}: unknown key {unknown[0]!r}; {kind.__name__} has {', '.join(known) or 'none'}.")
    try:
        return kind(**values)
    except TypeError as error:
        raise UsageError(f"{who}: {error}.") from error
