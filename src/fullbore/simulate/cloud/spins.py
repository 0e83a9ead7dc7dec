"""A cloud of spins: isochromats at any places, with any properties."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Complex, Float, Int, Num

from fullbore.data import FieldMap, Flow, Motion, ScannerSpec
from fullbore.data.motion import sliding_in
from fullbore.errors import ShapeError, UsageError, ValueRangeError
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.simulate.cloud.changing import Changing
from fullbore.simulate.cloud.movers import motion_of
from fullbore.simulate.cloud.pools import PoolSystem
from fullbore.simulate.fields import at_places

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
