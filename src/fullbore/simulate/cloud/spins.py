"""A cloud of spins: isochromats at any places, with any properties."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Num

from fullbore.data import FieldMap, Flow, Motion, Phantom, ScannerSpec
from fullbore.data.motion import sliding_in
from fullbore.errors import ShapeError, UsageError, ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.cloud.changing import Changing
from fullbore.simulate.cloud.lumens import Lumens
from fullbore.simulate.cloud.movers import cells_of, motion_of, pieces_moved
from fullbore.simulate.cloud.places import block_numbers, fine_axis, finer_share, in_line_of, moved_field, sheared
from fullbore.simulate.cloud.pools import PoolSystem
from fullbore.simulate.cloud.sorts import Sorts, unmixed
from fullbore.simulate.cloud.walk_kernel import TOGETHER
from fullbore.simulate.fields import at_places
from fullbore.simulate.lattice import sample_field

_COMMON = ("motion", "systems", "flows", "through", "courses", "tensors_m2_per_s", "walk_seed")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpinCloud:
    """Isochromats and how the scanner sees them.

    position_m: (n, 3) LPS. amount: (n,) proton density times volume. t1_s, t2_s, off_resonance_Hz: (n,).
    b1_scale: (n,) transmit field relative to nominal, complex in the signal's frame; (channel, n) of several channels.
    sensitivity: (coil, n). motion: how all of them leave `position_m` in time. mover: (n,) which part of what is `Sliding` of it
    moves spin i, -1 for none. flows, flow: (n,) spin i flows in the vessel
    flows[flow[i]] of the body at rest, in none where flow[i] is -1. through: the receive field that spins move through; None:
    each keeps its sensitivity. What else a spin is it keeps, the body's own field and the transmit field at home among it.
    systems, kind: (n,) spin i is made of the pools of systems[kind[i]], which have relaxation times of their own, or plain where
    kind[i] is -1. t1rho_s: (n,) of plain spins, with which Mxy relaxes along B1 while RF plays; T2 where a spin has no other.
    courses, follows: (n,) rates and frequency of spin i change as courses[follows[i]] has it, or not where follows[i] is -1.
    line: (n,) a spin's place in its tissue's line: the off-resonance in Hz that one 1/s of R2' adds, for courses of R2'.
    tensors_m2_per_s, diffuses: (n,) spin i diffuses with tensors[diffuses[i]], in the body's frame, or stays where that is -1.
    walker: (n,) numbers by which walks are drawn, from walk_seed; 64 consecutive ones, which should be near one another, share
    their draws evenly. None: 0, 1, ...
    """

    position_m: Float[np.ndarray, "n 3"]
    amount: Float[np.ndarray, " n"]
    t1_s: Float[np.ndarray, " n"]
    t2_s: Float[np.ndarray, " n"]
    off_resonance_Hz: Float[np.ndarray, " n"]
    b1_scale: Num[np.ndarray, "*channel n"]
    sensitivity: Complex[np.ndarray, "coil n"]
    motion: Motion | None = None
    mover: Int[np.ndarray, " n"] | None = None
    flows: tuple[Flow, ...] = ()
    flow: Int[np.ndarray, " n"] | None = None
    through: FieldMap | None = None
    systems: tuple[PoolSystem, ...] = ()
    kind: Int[np.ndarray, " n"] | None = None
    t1rho_s: Float[np.ndarray, " n"] | None = None
    courses: tuple[Changing, ...] = ()
    follows: Int[np.ndarray, " n"] | None = None
    line: Float[np.ndarray, " n"] | None = None
    tensors_m2_per_s: Float[np.ndarray, "tensor 3 3"] | None = None
    diffuses: Int[np.ndarray, " n"] | None = None
    walker: Int[np.ndarray, " n"] | None = None
    walk_seed: int = 0

    def __post_init__(self) -> None:
        n = len(self.amount)
        for name in ("position_m", "amount", "t1_s", "t2_s", "off_resonance_Hz", "b1_scale"):
            value = getattr(self, name).T if name == "b1_scale" else getattr(self, name)
            if len(value) != n:
                raise ShapeError(f"SpinCloud.{name}: got {len(value)} spins, wanted {n}.")
            if not np.isfinite(value).all():
                spin = int(np.argmin(np.isfinite(value).reshape(n, -1).all(axis=1)))
                raise ValueRangeError(f"SpinCloud.{name}: NaN or infinity at spin {spin}.")
        if self.position_m.shape != (n, 3) or self.sensitivity.ndim != 2 or self.sensitivity.shape[1] != n:
            got = (self.position_m.shape, self.sensitivity.shape)
            raise ShapeError(f"SpinCloud.position_m, sensitivity: got {got}, wanted ({n}, 3) and (coil, {n}).")
        if n == 0 or min(self.t1_s.min(), self.t2_s.min()) <= 0:
            raise ValueRangeError("SpinCloud: wanted at least one spin, and positive T1 and T2.")
        self._check_sorts()

    def _check_sorts(self) -> None:
        n, kind, t1rho_s = len(self), self.kind, self.t1rho_s
        own = {"kind": kind, "t1rho_s": t1rho_s, "flow": self.flow, "follows": self.follows, "line": self.line}
        own |= {"diffuses": self.diffuses, "walker": self.walker, "mover": self.mover}
        for name, value in own.items():
            if value is not None and np.shape(value) != (n,):
                raise ShapeError(f"SpinCloud.{name}: got {np.shape(value)}, wanted ({n},), one for each spin.")
        if self.systems and kind is None:
            raise UsageError(f"SpinCloud.kind: None, with {len(self.systems)} systems. Say which spin is made of which.")
        if kind is not None and (kind.min() < -1 or kind.max() >= len(self.systems)):
            worst = int(np.argmax((kind < -1) | (kind >= len(self.systems))))
            raise ValueRangeError(
                f"SpinCloud.kind: spin {worst} is of system {kind[worst]}, wanted -1 to {len(self.systems) - 1}."
            )
        if bool(self.flows) != (self.flow is not None) or (
            self.flow is not None and not -1 <= self.flow.min() <= self.flow.max() < len(self.flows)
        ):
            raise UsageError(
                f"SpinCloud.flow: wanted -1 to {len(self.flows) - 1} for each spin, where it has flows. Say which flows."
            )
        slides = sliding_in(self.motion)
        if (slides is None) != (self.mover is None) or (
            slides is not None and self.mover is not None and not -1 <= self.mover.min() <= self.mover.max() < len(slides.parts)
        ):
            wanted = "None, where nothing slides" if slides is None else f"-1 to {len(slides.parts) - 1} for each spin"
            raise UsageError(f"SpinCloud.mover: wanted {wanted}. Say which part of the motion moves which spin.")
        if self.through is not None and len(self.through.values) != len(self.sensitivity):
            got = (len(self.through.values), len(self.sensitivity))
            raise ShapeError(f"SpinCloud.through, sensitivity: got {got} coils, wanted as many.")
        if t1rho_s is not None and not (np.isfinite(t1rho_s) & (t1rho_s > 0)).all():
            worst = int(np.argmin(np.isfinite(t1rho_s) & (t1rho_s > 0)))
            raise ValueRangeError(f"SpinCloud.t1rho_s: got {t1rho_s[worst]} at spin {worst}, wanted a positive time.")
        self._check_courses()
        self._check_diffusion()

    def _check_diffusion(self) -> None:
        tensors, which = self.tensors_m2_per_s, self.diffuses
        if (tensors is None) != (which is None):
            raise UsageError("SpinCloud.tensors_m2_per_s, diffuses: one without the other. Say which spin diffuses how.")
        if tensors is None or which is None:
            return
        if which.min() < -1 or which.max() >= len(tensors):
            worst = int(np.argmax((which < -1) | (which >= len(tensors))))
            raise ValueRangeError(f"SpinCloud.diffuses: spin {worst} has tensor {which[worst]}, wanted -1 to {len(tensors) - 1}.")
        size = float(np.abs(tensors).max(initial=0.0))
        for number, tensor in enumerate(tensors):
            bad = not np.isfinite(size) or np.abs(tensor - tensor.T).max() > 1e-9 * size
            if bad or np.linalg.eigvalsh(tensor)[0] < -1e-9 * size:
                raise ValueRangeError(
                    f"SpinCloud.tensors_m2_per_s: tensor {number} is {tensor.tolist()}, wanted a symmetric one without negative "
                    "eigenvalues."
                )

    def _check_courses(self) -> None:
        follows = self.follows
        if self.courses and follows is None:
            raise UsageError(f"SpinCloud.follows: None, with {len(self.courses)} courses. Say which spin follows which.")
        if follows is None:
            return
        if follows.min() < -1 or follows.max() >= len(self.courses):
            worst = int(np.argmax((follows < -1) | (follows >= len(self.courses))))
            raise ValueRangeError(
                f"SpinCloud.follows: spin {worst} follows {follows[worst]}, wanted -1 to {len(self.courses) - 1}."
            )
        plain = np.ones(len(self), bool) if self.kind is None else self.kind == -1
        plain &= True if self.t1rho_s is None else self.t1rho_s == self.t2_s
        if not plain[follows >= 0].all():
            worst = int(np.argmax(~plain & (follows >= 0)))
            raise UsageError(
                f"SpinCloud.follows: spin {worst} of pools, or with a T1rho, follows a course, which only plain spins do. "
                "Leave one of the two out."
            )

    @property
    def changing(self) -> Changing | None:
        """The course that all spins of one sort follow."""
        return self.courses[0] if self.courses else None

    @property
    def moves(self) -> bool:
        """True when any spin may leave its place."""
        return self.motion is not None or bool(self.flows)

    def __len__(self) -> int:
        return len(self.amount)

    def take(self, which: np.ndarray | slice) -> SpinCloud:
        """Only these spins, in this order."""
        names = ("position_m", "amount", "t1_s", "t2_s", "off_resonance_Hz")
        own: dict[str, Any] = {name: getattr(self, name)[which] for name in names}
        seen: dict[str, Any] = {"b1_scale": self.b1_scale[..., which], "sensitivity": self.sensitivity[:, which]}
        given = ("kind", "t1rho_s", "flow", "follows", "line", "diffuses", "walker", "mover")
        some = {name: getattr(self, name) for name in given}
        sort: dict[str, Any] = {name: None if value is None else value[which] for name, value in some.items()}
        same: dict[str, Any] = {name: getattr(self, name) for name in _COMMON}
        return SpinCloud(**own, **seen, **sort, **same)

    def bodies(self) -> Iterator[SpinCloud]:
        """Spins that stay where others slide, then those that each part moves, as a body of their own; itself where none does."""
        if self.mover is None:
            yield self
            return
        for mover in np.unique(self.mover).tolist():
            part = self.take(np.flatnonzero(self.mover == mover))
            yield replace(part, motion=motion_of(self.motion, mover), mover=None)

    def streams(self) -> Iterator[tuple[Flow | None, SpinCloud]]:
        """Spins that flow in none of the vessels, then those of each."""
        for number in range(-1, len(self.flows)):
            which = np.arange(len(self)) if self.flow is None else np.flatnonzero(self.flow == number)
            if len(which):
                part = self if self.flow is None else self.take(which)
                yield self.flows[number] if number >= 0 else None, replace(part, flows=(), flow=None)

    def sorts(self) -> Iterator[tuple[PoolSystem | None, SpinCloud]]:
        """Spins that are alike in what moves them: plain ones, plain ones that T1rho tells from them, those of each system, and
        those of each course; of each those that stay at home and those that diffuse.
        """
        label = np.full(len(self), -1) if self.kind is None else self.kind.copy()
        if self.t1rho_s is not None:
            label[(label == -1) & (self.t1rho_s != self.t2_s)] = -2
        if self.follows is not None:
            label = np.where(self.follows >= 0, -3 - self.follows, label)
        for number in (-1, -2, *range(len(self.systems)), *(-3 - course for course in range(len(self.courses)))):
            which = np.flatnonzero(label == number)
            if len(which):
                part = self if len(which) == len(self) else self.take(which)
                sort: dict = {"systems": (), "kind": None, "t1rho_s": part.t1rho_s if number == -2 else None, "courses": ()}
                sort |= {"follows": None, "line": None}
                if number <= -3:
                    sort |= {"courses": (self.courses[-3 - number],), "follows": np.zeros(len(part), int), "line": part.line}
                for own in replace(part, **sort).walkers_apart():
                    yield self.systems[number] if number >= 0 else None, own

    def walkers_apart(self) -> Iterator[SpinCloud]:
        """Spins that stay at home, then those that diffuse."""
        if self.diffuses is None:
            yield self
            return
        still = self.diffuses < 0
        if still.any():
            part = self if still.all() else self.take(np.flatnonzero(still))
            yield replace(part, tensors_m2_per_s=None, diffuses=None, walker=None)
        if not still.all():
            yield self if not still.any() else self.take(np.flatnonzero(~still))

    def numbered(self) -> SpinCloud:
        """The same with numbers for all walks, so that parts of it keep theirs."""
        if self.diffuses is None or self.walker is not None:
            return self
        return replace(self, walker=np.arange(len(self)))

    def drive(self, shim: Complex[np.ndarray, " channel"] | None) -> Complex[np.ndarray, " n"]:
        """Transmit field of each spin for channels played with these weights (Pulseq's frame), all alike for None.

        Errors: ShapeError when there are as many weights as no array of channels.
        """
        channels = np.atleast_2d(self.b1_scale).astype(np.complex128)
        weights = np.ones(len(channels)) if shim is None else np.conj(shim)
        if weights.shape != (len(channels),):
            raise ShapeError(f"SpinCloud.drive: an RF shim of {len(weights)} weights for {len(channels)} transmit channels.")
        return np.asarray(weights @ channels)


def in_static_field(cloud: SpinCloud, spec: ScannerSpec | None) -> SpinCloud:
    """The cloud with the magnet's own inhomogeneity added to its off-resonance, unless it moves through that."""
    if spec is None or spec.flaws.field_ppm is None or cloud.moves:
        return cloud
    ppm = at_places(spec.flaws.field_ppm, cloud.position_m)[0].real
    return replace(cloud, off_resonance_Hz=cloud.off_resonance_Hz + 1e-6 * spec.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T * ppm)


def scatter(
    phantom: Phantom, spec: ScannerSpec, per_cell: tuple[int, int, int], *, seed: int | None = None, diffusing: bool = True
) -> SpinCloud:
    """Spins in an axis-aligned phantom, `per_cell` (x, y, z) in each of its cells, one for each tissue that is there.

    seed None: on a regular grid, and without T2'. Neighbours come back in phase when a spoiler has turned them by whole cycles:
    where transverse magnetisation outlives a repetition, take spins much closer than the spoiler's cycle, or give a seed.
    Otherwise rows and planes are moved against each other (`sheared`), so that spoiled magnetisation stays spoiled, and every
    spin has an off-resonance of its tissue's Lorentzian line, so that a voxel of many spins decays with T2'.
    With a seed spins of tissues that diffuse walk, unless not `diffusing`. Compartments then, and species of a tissue, are spins
    of their own in the same places. Tissues with pools are spins of a `PoolSystem`, those that the
    phantom has courses for follow them (their R2' only with a seed).
    The phantom's fractions are linear between its points. Fields are cubic between theirs. `simulate.acquire` with states
    knows complete spoiling and T2' without counting spins.
    """
    axes, weights = zip(*(fine_axis(phantom, axis, per_cell[axis]) for axis in range(3)), strict=True)
    shape = len(axes[2].points_m), len(axes[1].points_m), len(axes[0].points_m)
    spacing = np.array([axis.spacing_m for axis in axes])
    z, y, x = (part.ravel() for part in np.meshgrid(*(axis.points_m for axis in axes[::-1]), indexing="ij"))
    random = None if seed is None else np.random.default_rng(seed)
    moved = np.zeros((len(x), 3)) if random is None else spacing * sheared(shape, random)
    places = np.stack([x, y, z], axis=1) + moved
    step = None if random is None else moved / spacing
    ppm, transmit, coils = (
        moved_field(sample_field(field, np.eye(3), axes).reshape(len(field.values), *shape), step)
        for field in (phantom.field_ppm, spec.transmit, spec.receive.sensitivity)
    )
    parts, walks = [], 0
    sorts = Sorts(phantom, spec.b0_T, diffusing and seed is not None)
    numbers = block_numbers(shape)
    finer = partial(finer_share, phantom, weights, None if random is None else places)
    lumens = _lumens(phantom, finer, places, spacing)
    for line in sorts.lines:
        tissue, fraction = line.tissue, phantom.fractions[line.owner]
        held = lumens.held(tissue.name, finer_share(phantom, weights, None, fraction))
        settled = lumens.settled(tissue.name, finer(fraction, held), held, places[held])
        held, settled = held[settled > 0], settled[settled > 0]
        in_line = in_line_of(sorts.widest_per_s(line), shape, held, random)
        place_m = places[held]
        flow = lumens.flow_of(tissue.name, place_m)
        field_Hz = 1e-6 * spec.b0_T * GYROMAGNETIC_RATIO_HZ_PER_T * (ppm[0, held].real + tissue.chemical_shift_ppm)
        amount = line.share * settled * float(np.prod(spacing)) * tissue.proton_density
        times = np.full(len(held), tissue.t1_s), np.full(len(held), tissue.t2_s)
        field_Hz = field_Hz + in_line / tissue.t2_prime_s
        seen = transmit[:, held].T, coils[:, held].T
        kind = *sorts.of(line, len(held)), flow, np.full(len(held), sorts.diffuses(line))
        for own in pieces_moved(phantom, tissue.name, flow, held, finer):
            column = place_m, amount, *times, field_Hz, in_line, *seen, *kind, numbers[held] + walks
            place, whole, *others = (part[own.which] for part in column)
            parts.append((place, whole * own.weight, *others, own.mover))
            walks += (int(numbers.max()) // TOGETHER + 1) * TOGETHER
    through = spec.receive.sensitivity if phantom.motion is not None or phantom.flows else None
    cloud, mover = _joined([part[:-1] for part in parts], sorts, phantom.flows), np.concatenate([part[-1] for part in parts])
    slides = sliding_in(phantom.motion) is not None
    return replace(cloud, motion=phantom.motion, mover=mover if slides else None, through=through, walk_seed=seed or 0)


def _joined(parts: list[tuple], sorts: Sorts, flows: tuple[Flow, ...]) -> SpinCloud:
    """One cloud of the columns of all lines."""
    position, amount, t1, t2, field, in_line, b1, coil, kind, t1rho, follows, flow, diffuses, walker = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    tensors = sorts.tensors_m2_per_s
    return SpinCloud(
        position_m=position, amount=amount, t1_s=t1, t2_s=t2, off_resonance_Hz=field.astype(np.float64),
        b1_scale=b1.T[0] if b1.shape[1] == 1 else b1.T,
        sensitivity=coil.T.astype(np.complex64), systems=sorts.systems, kind=kind if sorts.systems else None,
        t1rho_s=t1rho if (t1rho != t2).any() else None, courses=sorts.courses, follows=follows if sorts.courses else None,
        line=in_line if sorts.courses else None, flows=flows, flow=flow if flows else None,
        tensors_m2_per_s=tensors, diffuses=None if tensors is None else diffuses, walker=None if tensors is None else walker,
    )  # fmt: skip


def _lumens(
    phantom: Phantom, finer: Callable[..., np.ndarray], places_m: Float[np.ndarray, "n 3"], spacing_m: Float[np.ndarray, " 3"]
) -> Lumens:
    """The phantom's vessels, told what else is there."""
    lumens = Lumens(phantom, places_m, spacing_m)
    if lumens.near:
        named = [tissue.name for tissue in phantom.tissues]
        shares = {name: finer(phantom.fractions[named.index(name)]) for name in lumens.near}
        lumens.told(shares, finer(phantom.fractions.sum(axis=0)), finer(np.ones(phantom.grid.shape)))
    return lumens


def scattered(phantom: Phantom, per_cell: tuple[int, int, int], diffusing: bool = False) -> int:
    """How many spins `scatter` makes, at most."""
    lines = np.bincount([line.owner for line in unmixed(phantom.tissues, diffusing)], minlength=len(phantom.tissues))
    held = [sum(map(_padded_count, cells_of(phantom, tissue))) for tissue in range(len(phantom.tissues))]
    return int(np.array(held) @ lines) * int(np.prod(per_cell))


def _padded_count(cells: Bool[np.ndarray, "z y x"]) -> int:
    """How many cells between points have any of these at a corner."""
    padded = np.pad(cells, 1)
    for axis in range(3):
        low, high = (np.take(padded, np.arange(padded.shape[axis] - 1) + step, axis=axis) for step in (0, 1))
        padded = low | high
    return int(padded.sum())
