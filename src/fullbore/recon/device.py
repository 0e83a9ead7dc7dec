"""Where a problem is solved: made ready and calibrated on the processor, then carried to a device once, and brought back.

Coil maps, field maps, poses, delays and completions are small or sequential; what takes the time of a reconstruction is A^H y
and A^H A, again and again. So everything up to the `EncodedVolume` happens where the raw data are, and the solver alone
runs on the device, on the same code.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from fullbore.errors import LimitError, UsageError

Thing = TypeVar("Thing")

CPU = torch.device("cpu")


def named_device(name: str) -> torch.device:
    """The device of that name: "cpu", "cuda", or one of several, "cuda:1".

    Errors: UsageError for any other, and for one that is not in this machine.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise UsageError(f'device: got "{name}", wanted "cpu" or "cuda". Choose one of them.')
    if device.type == "cpu":
        return CPU
    if not torch.cuda.is_available():
        why = "this PyTorch is built without CUDA" if torch.version.cuda is None else "PyTorch sees no CUDA device"
        raise UsageError(f'device: got "{name}", but {why}. Choose "cpu", or install a driver and a PyTorch with CUDA.')
    count = torch.cuda.device_count()
    if (device.index or 0) >= count:
        raise UsageError(f'device: got "{name}", but this machine has {count}, counted from 0. Choose "cuda:0".')
    return torch.device("cuda", device.index or 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Carrier:
    """Carries problems to a device. common: tensors, by id, that many of them hold; they are carried once, when first met."""

    device: torch.device
    common: Mapping[int, Tensor]
    _carried: dict[int, Tensor] = field(init=False, repr=False, default_factory=dict)

    def there(self, thing: Thing) -> Thing:
        """A copy of `thing` whose tensors are on the device; itself where that is the processor."""
        if self.device.type == "cpu":
            return thing
        known: dict[int, Any] = dict(self._carried)
        result = _moved(thing, self.device, known, [])
        self._carried.update({key: known[key] for key in self.common.keys() & known.keys()})
        return result

    @contextmanager
    def room(self) -> Iterator[None]:
        """For work on the device. Errors: LimitError where its memory is too small."""
        try:
            yield
        except torch.OutOfMemoryError as error:
            told = f"device {self.device}: its memory is too small for this problem"
            raise LimitError(f'{told}. Choose device="cpu", fewer virtual_coils or fewer frames.') from error

    def back(self, thing: Thing) -> Thing:
        """A copy whose tensors are on the processor."""
        return thing if self.device.type == "cpu" else _moved(thing, CPU, {}, [])


def carrier(device: torch.device, common: object) -> Carrier:
    """A carrier of problems that hold tensors of `common`."""
    known: dict[int, Any] = {}
    if device.type != "cpu":
        # To the processor, where they are: nothing moves.
        _moved(common, CPU, known, [])
    return Carrier(device=device, common={key: part for key, part in known.items() if isinstance(part, Tensor)})


def _moved(thing: Any, device: torch.device, known: dict[int, Any], kept: list[Any]) -> Any:
    """Tensors of nested dataclasses and containers on the device; what was one object is one afterwards.

    known: what has been moved, by id. kept: keeps containers that are made on the way alive, so that no id comes twice.
    """
    if id(thing) in known:
        return known[id(thing)]
    if isinstance(thing, Tensor):
        result: Any = thing.to(device)
    elif isinstance(thing, tuple) and type(thing) is tuple:
        result = tuple(_moved(part, device, known, kept) for part in thing)
    elif isinstance(thing, list):
        result = [_moved(part, device, known, kept) for part in thing]
    elif isinstance(thing, dict):
        result = {key: _moved(part, device, known, kept) for key, part in thing.items()}
    elif is_dataclass(thing) and not isinstance(thing, type):
        # A copy, not `replace`: what an object has found out about itself goes with it.
        result = copy.copy(thing)
        for part in fields(thing):
            object.__setattr__(result, part.name, _moved(getattr(thing, part.name), device, known, kept))
    else:
        return thing
    kept.append(thing)
    known[id(thing)] = result
    return result
