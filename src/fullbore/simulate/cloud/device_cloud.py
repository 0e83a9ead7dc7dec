"""A cloud of spins as tensors on one device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Complex64, Float64, Int64
from torch import Tensor

from fullbore.simulate.cloud.spins import SpinCloud


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeviceCloud:
    """What a device needs to know of a cloud, made by `carry`; many sequences can be played to it.

    place: (n, c), what moments multiply (m). t1_s, t2_s, off_resonance_Hz, b1_size (magnitude of the transmit field): (n,).
    seen: (n, coil), sensitivity times amount times the transmit field's phase: magnetisation is followed in that phase's frame.
    """

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
        return DeviceCloud(seen=seen, **{name: getattr(self, name)[index] for name in names})


def carry(cloud: SpinCloud, device: torch.device | str, part: slice = slice(None)) -> DeviceCloud:
    """A cloud, or a run of its spins, on a device."""

    def tensor(values: np.ndarray) -> Tensor:
        values = np.ascontiguousarray(values)
        return torch.from_numpy(values if values.flags.writeable else values.copy()).to(device)

    def real(values: np.ndarray) -> Tensor:
        return tensor(values).to(torch.float64)

    b1 = tensor(cloud.b1_scale[part])
    phase = torch.where(b1 == 0, 1, torch.sgn(b1))
    weight = real(cloud.amount[part]) * phase
    sensitivity = tensor(cloud.sensitivity[:, part])
    return DeviceCloud(
        place=real(cloud.position_m[part]),
        t1_s=real(cloud.t1_s[part]),
        t2_s=real(cloud.t2_s[part]),
        off_resonance_Hz=real(cloud.off_resonance_Hz[part]),
        b1_size=b1.abs().to(torch.float64),
        seen=(sensitivity * weight.to(torch.complex64)).to(torch.complex64).T.contiguous(),
    )
