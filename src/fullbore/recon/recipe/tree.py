"""What to do with the data: a small frozen tree that can be written down, read back and hashed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from fullbore.errors import UsageError
from fullbore.recon.recipe.check import require
from fullbore.recon.recipe.coils import Coils, Espirit
from fullbore.recon.recipe.completions import Completion, Multiband, PartialFourier, SmsSense
from fullbore.recon.recipe.encodings import Cartesian, EncodingModel
from fullbore.recon.recipe.motion import MotionCorrection
from fullbore.recon.recipe.off_resonance import OffResonance
from fullbore.recon.recipe.priors import OperatorPrior, Prior, ProximalPrior
from fullbore.recon.recipe.readout_phase import EpiPhase
from fullbore.recon.recipe.solvers import Combination, ConjugateGradient, Direct, PrimalDual, ProximalGradient, Solver
from fullbore.recon.recipe.subspace import Subspace

Compression = Literal["principal", "geometric"]
NoiseMap = Literal["estimated", "analytic", "replica", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How raw data become an image.

    motion: estimates where the head was in each shot; None takes it to be still, or where the caller says.
    off_resonance: puts the field into the encoding; None takes it to be without error, or as the caller says.
    completion, partial_fourier: how gaps and a missing edge of Cartesian k-space are filled before `Combination`.
    readout_phase: of readouts that run both ways. multiband: how slices excited together are told apart.
    subspace: frames as combinations of few time courses, whose images are what is solved for; None: frames as they are.
    virtual_coils: the channels are compressed to at most so many; None keeps them all.
    compression: "principal" makes them the same everywhere, "geometric" from column to column of the readout: fewer are
        needed; on a grid only.
    noise_map: "estimated" costs nothing: exact where there is a closed form, else that of a perfect coil geometry (g = 1);
        "analytic" is the closed form or an error; "replica" is exact for every recipe, known to 1 / (2 sqrt(replicas)).
    replicas: reconstructions of added noise for "replica"; 25 know each voxel to 10 %.
    Errors: UsageError for parts that do not go together or values out of range.
    """

    coils: Coils = field(default_factory=Espirit)
    encoding: EncodingModel = field(default_factory=Cartesian)
    solver: Solver = field(default_factory=Combination)
    prior: Prior | None = None
    motion: MotionCorrection | None = None
    off_resonance: OffResonance | None = None
    completion: Completion | None = None
    partial_fourier: PartialFourier | None = None
    readout_phase: EpiPhase | None = None
    multiband: Multiband | None = None
    subspace: Subspace | None = None
    virtual_coils: int | None = None
    compression: Compression = "principal"
    noise_map: NoiseMap = "estimated"
    replicas: int = 25

    def __post_init__(self) -> None:
        _check_prior(self)
        iterative = isinstance(self.solver, ConjugateGradient | ProximalGradient | PrimalDual)
        require(self, self.motion is None or iterative, "motion correction with an iterative solver")
        require(self, self.subspace is None or iterative, "an iterative solver for a subspace")
        together = isinstance(self.multiband, SmsSense)
        require(self, not together or (iterative and self.motion is None), "an iterative solver, without motion, for SmsSense")
        require(self, not together or self.noise_map in ("estimated", "none"), 'noise_map "none" or "estimated" with SmsSense')
        filled = self.completion is not None or self.partial_fourier is not None
        require(self, not filled or isinstance(self.solver, Combination), "a completion with Combination only")
        require(self, self.virtual_coils is None or self.virtual_coils > 0, "virtual_coils > 0")
        require(self, self.compression in get_args(Compression), f"compression one of {', '.join(get_args(Compression))}")
        require(self, self.noise_map in get_args(NoiseMap), f"noise_map one of {', '.join(get_args(NoiseMap))}")
        require(self, self.replicas > 1, "replicas > 1")
        exact = isinstance(self.solver, Combination | Direct) and getattr(self.coils, "maps", 1) == 1
        require(self, self.noise_map != "analytic" or exact, 'a solver with a closed form of its noise, or noise_map "replica"')

    def to_dict(self) -> dict[str, Any]:
        """Plain tree: every part a table whose "kind" is its class."""
        parts = {name: _part_to_dict(getattr(self, name)) for name in _KINDS}
        return {**parts, **{item.name: getattr(self, item.name) for item in fields(self) if item.name not in _KINDS}}

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> Recipe:
        """The inverse of `to_dict`; what is missing keeps its default. Errors: UsageError for an unknown key or kind."""
        values = dict(table)
        for name, kinds in _KINDS.items():
            if isinstance(values.get(name), dict):
                values[name] = _part_from_dict(name, values[name], kinds)
            elif values.get(name) is not None:
                raise UsageError(f"recipe, {name}: got {values[name]!r}, wanted a table with a kind.")
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


_PARTS = {
    "coils": Coils,
    "encoding": EncodingModel,
    "solver": Solver,
    "prior": Prior,
    "subspace": Subspace,
    "completion": Completion,
    "partial_fourier": PartialFourier,
    "readout_phase": EpiPhase,
    "multiband": Multiband,
    "motion": MotionCorrection,
    "off_resonance": OffResonance,
}
_KINDS: dict[str, tuple[type, ...]] = {name: get_args(union) or (union,) for name, union in _PARTS.items()}


def _part_to_dict(part: Any) -> dict[str, Any] | None:
    return None if part is None else {"kind": type(part).__name__, **asdict(part)}


def _part_from_dict(name: str, table: dict[str, Any], kinds: tuple[type, ...]) -> Any:
    values = dict(table)
    by_name = {kind.__name__: kind for kind in kinds}
    kind = values.pop("kind", kinds[0].__name__ if name in ("coils", "encoding") else None)
    if kind not in by_name:
        raise UsageError(f"recipe, {name}.kind: got {kind!r}, wanted one of {', '.join(by_name)}.")
    return _construct(by_name[kind], f"recipe, {name}", values)


def _construct(kind: type, who: str, values: dict[str, Any]) -> Any:
    known = {item.name: item for item in fields(kind)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UsageError(f"{who}: unknown key {unknown[0]!r}; {kind.__name__} has {', '.join(known) or 'none'}.")
    try:
        return kind(**{name: _fitting(who, name, value, known[name].default) for name, value in values.items()})
    except TypeError as error:
        raise UsageError(f"{who}: {error}.") from error


def _fitting(who: str, name: str, value: Any, default: Any) -> Any:
    """The value as the type of the field's default: files write 1 for 1.0, and lists for tuples."""
    if isinstance(value, list):
        return tuple(value)
    wanted = type(default)
    if wanted is float and type(value) is int:
        return float(value)
    if wanted in (bool, int, float, str) and type(value) is not wanted:
        raise UsageError(f"{who}, {name}: got {value!r}, wanted a value like {default!r}.")
    if default is None and name == "virtual_coils" and not (value is None or type(value) is int):
        raise UsageError(f"{who}, {name}: got {value!r}, wanted a whole number, or leave it out.")
    return value
