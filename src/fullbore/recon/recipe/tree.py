"""What to do with the data: a small frozen tree that can be written down, read back and hashed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from fullbore.errors import UsageError
from fullbore.recon.recipe.check import require
from fullbore.recon.recipe.coils import Coils, Espirit
from fullbore.recon.recipe.completions import Completion, PartialFourier, SliceGrappa
from fullbore.recon.recipe.encodings import Cartesian, EncodingModel
from fullbore.recon.recipe.motion import MotionCorrection
from fullbore.recon.recipe.priors import Prior
from fullbore.recon.recipe.readout_phase import EpiPhase
from fullbore.recon.recipe.solvers import Combination, ConjugateGradient, ProximalGradient, Solver

NoiseMap = Literal["estimated", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How raw data become an image.

    motion: estimates where the head was in each shot; None takes it to be still, or where the caller says.
    completion, partial_fourier: how gaps and a missing edge of Cartesian k-space are filled before `Combination`.
    readout_phase: of readouts that run both ways. multiband: how slices excited together are told apart.
    virtual_coils: the channels are compressed to at most so many; None keeps them all.
    noise_map: "estimated" or "none".
    Errors: UsageError for parts that do not go together or values out of range.
    """

    coils: Coils = field(default_factory=Espirit)
    encoding: EncodingModel = field(default_factory=Cartesian)
    solver: Solver = field(default_factory=Combination)
    prior: Prior | None = None
    motion: MotionCorrection | None = None
    completion: Completion | None = None
    partial_fourier: PartialFourier | None = None
    readout_phase: EpiPhase | None = None
    multiband: SliceGrappa | None = None
    virtual_coils: int | None = None
    noise_map: NoiseMap = "estimated"

    def __post_init__(self) -> None:
        require(self, isinstance(self.solver, ProximalGradient) == (self.prior is not None), "a prior with ProximalGradient only")
        iterative = isinstance(self.solver, ConjugateGradient | ProximalGradient)
        require(self, self.motion is None or iterative, "motion correction with ConjugateGradient or ProximalGradient")
        filled = self.completion is not None or self.partial_fourier is not None
        require(self, not filled or isinstance(self.solver, Combination), "a completion with Combination only")
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


_PARTS = {
    "coils": Coils,
    "encoding": EncodingModel,
    "solver": Solver,
    "prior": Prior,
    "completion": Completion,
    "partial_fourier": PartialFourier,
    "readout_phase": EpiPhase,
    "multiband": SliceGrappa,
    "motion": MotionCorrection,
}
_KINDS: dict[str, tuple[type, ...]] = {name: get_args(union) or (union,) for name, union in _PARTS.items()}


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
