"""What to do with the data: a small frozen tree that can be written down, read back and hashed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from fullbore.errors import UsageError

NoiseMap = Literal["estimated", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Espirit:
    """Coil maps as the leading eigenvectors of local k-space predictability. Source: Uecker et al. 2014.

    calibration: largest extent of the calibration block along each axis. kernel: extent of the k-space patches.
    rank_cut: singular values of the calibration matrix below this fraction of the largest are noise.
    grid: points along each axis at which the maps are computed; they are smooth and interpolated from there.
    crop: voxels whose eigenvalue is below this get no sensitivity (0 keeps all).
    """

    calibration: int = 24
    kernel: int = 6
    rank_cut: float = 0.02
    grid: int = 48
    crop: float = 0.0

    def __post_init__(self) -> None:
        _require(self, self.calibration >= 4 and self.kernel >= 2 and self.grid >= 2 * self.kernel, "a grid of 2 kernels")
        _require(self, 0 < self.rank_cut < 1 and 0 <= self.crop < 1, "fractions between 0 and 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """Matched-filter combination of the channels' images; k-space that was not measured counts as zero. Roemer 1990."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """SENSE by one Cholesky factorisation per readout column: exact, linear, with the exact noise. 2D encoding only.

    damping: added to the diagonal, relative to 1 = the eigenvalue of full sampling. Source: Pruessmann 1999, eq. 4.
    """

    damping: float = 1e-6

    def __post_init__(self) -> None:
        _require(self, self.damping > 0, "damping > 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConjugateGradient:
    """SENSE by conjugate gradients, every readout column with steps of its own. Source: Pruessmann 2001."""

    iterations: int = 30
    tolerance: float = 1e-4
    damping: float = 1e-6

    def __post_init__(self) -> None:
        _require(self, self.iterations > 0 and self.tolerance > 0 and self.damping >= 0, "positive numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProximalGradient:
    """FISTA with restart on |A x - y|^2 / 2 + prior; `seed` draws the prior's random shifts."""

    iterations: int = 20
    tolerance: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self, self.iterations > 0 and self.tolerance > 0, "positive numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wavelet:
    """The l1 norm of the image's wavelet details.

    weight: threshold in standard deviations of the noise of one whitened channel; without a noise scan the noise is
        taken from the edge of k-space.
    floor: the threshold is at least this fraction of the largest value of the zero-filled image, so that data with
        little noise are still freed of aliasing in few iterations.
    """

    name: str = "db4"
    weight: float = 0.3
    floor: float = 2e-3
    levels: int = 4

    def __post_init__(self) -> None:
        _require(self, self.weight >= 0 and self.floor >= 0 and self.levels > 0, "weight, floor >= 0 and levels > 0")


Solver = Combination | Direct | ConjugateGradient | ProximalGradient


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How raw data become an image.

    virtual_coils: the channels are compressed to at most so many; None keeps them all.
    noise_map: "estimated" or "none".
    Errors: UsageError for parts that do not go together or values out of range.
    """

    coils: Espirit = field(default_factory=Espirit)
    solver: Solver = field(default_factory=Combination)
    prior: Wavelet | None = None
    virtual_coils: int | None = None
    noise_map: NoiseMap = "estimated"

    def __post_init__(self) -> None:
        _require(
            self, isinstance(self.solver, ProximalGradient) == (self.prior is not None), "a prior with ProximalGradient only"
        )
        _require(self, self.virtual_coils is None or self.virtual_coils > 0, "virtual_coils > 0")
        _require(self, self.noise_map in ("estimated", "none"), 'noise_map "estimated" or "none"')

    def to_dict(self) -> dict[str, Any]:
        """Plain tree: every part a table whose "kind" is its class."""
        parts = {name: _part_to_dict(getattr(self, name)) for name in ("coils", "solver", "prior")}
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


_KINDS: dict[str, tuple[type, ...]] = {
    "coils": (Espirit,),
    "solver": (Combination, Direct, ConjugateGradient, ProximalGradient),
    "prior": (Wavelet,),
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


def _require(part: Any, condition: bool, wanted: str) -> None:
    if not condition:
        raise UsageError(f"{part}: wanted {wanted}.")
