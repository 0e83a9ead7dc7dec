"""A cloud of spins as tensors on one device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex64, Float64, Int64
from torch import Tensor

from fullbore.data import Flaws, ScannerSpec
from fullbore.errors import UsageError
from fullbore.simulate.cloud.spins import SpinCloud, in_static_field
from fullbore.simulate.cloud.spots import make_spots, make_ways, moving_bore
from fullbore.simulate.fields import Bore, make_bore


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeviceCloud:
    """What a device needs to know of a cloud, made by `carry`; many sequences can be played to it.

    bore: the fields that the spins meet; place: (n, c), their shapes at each spin, which moments multiply. t1_s, t2_s,
    off_resonance_Hz, b1_size (magnitude of the transmit field of all channels alike): (n,). seen: (n, coil), sensitivity times
    amount times the transmit field's phase: magnetisation is followed in that phase's frame.
    """

    bore: Bore
    place: Float64[Tensor, "n c"]
    t1_s: Float64[Tensor, " n"]
    t2_s: Float64[Tensor, " n"]
    off_resonance_Hz: Float64[Tensor, " n"]
    b1_size: Float64[Tensor, " n"]
    seen: Complex64[Tensor, "n coil"]

    def __len__(self) -> int:
        return len(self.t1_s)

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.place.device

    @property
    def coils(self) -> int:
        """Number of receivers."""
        return self.seen.shape[1]

    def take(self, which: Int64[Tensor, " m"]) -> DeviceCloud:
        """Only these spins, in this order; an index of -1 gives an unseen spin."""
        index = which.clamp(min=0)
        names = ("place", "t1_s", "t2_s", "off_resonance_Hz", "b1_size")
        seen = self.seen[index] * (which >= 0)[:, None]
        return DeviceCloud(bore=self.bore, seen=seen, **{name: getattr(self, name)[index] for name in names})


def carry(
    cloud: SpinCloud, device: torch.device | str, spec: ScannerSpec | None = None, part: slice | None = None
) -> DeviceCloud:
    """A cloud, or a run of its spins, in a machine, an ideal one if None, on a device.

    Errors: UsageError for spins that come in fresh or move through the receivers' fields, are made of pools, have a T1rho or a
    course, which only `play_cloud` plays.
    """
    if cloud.kind is not None or cloud.t1rho_s is not None or cloud.courses:
        raise UsageError("carry, SpinCloud: spins of pools, with a T1rho or a course do not go to a device. Use play_cloud.")
    if cloud.mover is not None:
        raise UsageError("carry, SpinCloud.mover: spins of bodies that slide do not go to a device. Use play_cloud.")
    if cloud.diffuses is not None:
        raise UsageError("carry, SpinCloud.diffuses: spins that walk do not go to a device. Use play_cloud.")
    cloud = in_static_field(cloud if part is None else cloud.take(part), spec)
    if cloud.flows or (cloud.motion is not None and cloud.through is not None):
        raise UsageError("SpinCloud.flow, through: spins that flow, or move past the receivers' fields. Use play_cloud.")
    bore = make_bore(spec.flaws if spec is not None else Flaws(), spec.b0_T if spec is not None else 0.0, cloud.moves)
    bore = moving_bore(bore, cloud, make_ways(cloud))
    spots = make_spots(cloud, bore)

    def tensor(values: np.ndarray) -> Tensor:
        values = np.ascontiguousarray(values)
        return torch.from_numpy(values if values.flags.writeable else values.copy()).to(device)

    def real(values: np.ndarray) -> Tensor:
        return tensor(values).to(torch.float64)

    b1 = tensor(spots.drive[-1])  # all channels alike
    phase = torch.where(b1 == 0, 1, torch.sgn(b1))
    weight = real(cloud.amount) * phase
    sensitivity = tensor(cloud.sensitivity)
    return DeviceCloud(
        bore=bore,
        place=real(spots.home),
        t1_s=real(cloud.t1_s),
        t2_s=real(cloud.t2_s),
        off_resonance_Hz=real(cloud.off_resonance_Hz),
        b1_size=b1.abs().to(torch.float64),
        seen=(sensitivity * weight.to(torch.complex64)).to(torch.complex64).T.contiguous(),
    )
