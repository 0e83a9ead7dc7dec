"""Another device than the processor, pretended: its tensors say so, compute on the processor, and mix with no others.

What a CUDA tensor refuses these refuse: another tensor of the processor's beside it (but a single number, or an index),
`.numpy()`, and kernels for the processor. They go by torch's `meta`, the one device that every build of it has.
"""

from __future__ import annotations

from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

THERE = torch.device("meta")
# Operations that take tensors of the processor beside theirs; that of a mixture of conjugates is done at once.
_MIXED = {"_to_copy", "copy_", "index", "index_put", "index_put_", "_index_put_impl_"}


class Pretended(torch.Tensor):
    """own: the tensor of the processor that holds the values."""

    @staticmethod
    def __new__(cls, own):
        made = torch.Tensor._make_wrapper_subclass(
            cls, own.shape, strides=own.stride(), storage_offset=own.storage_offset(), dtype=own.dtype, device=THERE
        )
        made.own = own
        return made

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        # Numbers given to these become tensors of the device on the way, which here would be empty.
        if function in (torch.Tensor.__getitem__, torch.Tensor.__setitem__, torch.where):
            _refuse_strangers(function, args if function is torch.where else args[2:])
            result = function(*tree_map(_own, args))
            return result if function is not torch.where and not isinstance(args[0], Pretended) else tree_map(_worn, result)
        if function is torch.Tensor.tolist:
            return args[0].own.tolist()
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = []
        tree_map(lambda part: given.append(part) if isinstance(part, torch.Tensor) else None, (args, kwargs))
        name = operation.overloadpacket.__name__
        if name not in _MIXED:
            _refuse_strangers(operation, given)
        leaves = "device" in kwargs and torch.device(kwargs["device"] or THERE).type == "cpu"
        if kwargs.get("device") is not None:
            kwargs = kwargs | {"device": torch.device("cpu")}
        result = operation(*tree_map(_own, args), **tree_map(_own, kwargs))
        known = {id(part.own): part for part in given if isinstance(part, Pretended)}
        if isinstance(result, torch.Tensor) and id(result) not in known and name == "copy_":
            return args[0]
        return result if leaves else tree_map(lambda part: known.get(id(part)) if id(part) in known else _worn(part), result)


def _refuse_strangers(operation, given):
    for part in given:
        if isinstance(part, torch.Tensor) and not isinstance(part, Pretended) and part.ndim > 0 and not _is_empty(part):
            raise RuntimeError(f"{operation}: tensors on different devices, {tuple(part.shape)} on the processor")


def _is_empty(part):
    """Room that torch itself made for a result on the device."""
    return part.is_meta and part.numel() == 0


def _own(part):
    if isinstance(part, Pretended):
        return part.own
    return torch.empty(part.shape, dtype=part.dtype) if isinstance(part, torch.Tensor) and _is_empty(part) else part


def _worn(part):
    if not isinstance(part, torch.Tensor):
        return part
    return Pretended(part.resolve_conj().resolve_neg())


class _Factories(TorchFunctionMode):
    """Whatever is made for the device is made on the processor and worn."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        wanted = [part for part in (*args, kwargs.get("device")) if isinstance(part, torch.device | str) and _is_there(part)]
        if function is torch.Tensor.to and isinstance(args[-1], Pretended) and len(args) == 2:
            return Pretended(_own(args[0]).to(args[1].own).clone())
        if not wanted:
            return function(*args, **kwargs)
        here = lambda part: torch.device("cpu") if isinstance(part, torch.device | str) and _is_there(part) else _own(part)  # noqa: E731
        made = function(*map(here, args), **{key: here(part) for key, part in kwargs.items()})
        return Pretended(made.clone() if any(made is part for part in args) else made)


def _is_there(device):
    return str(device).startswith("meta")


@contextmanager
def pretended_device():
    """Inside, and in this thread, what is made on THERE has values."""
    with _Factories():
        yield THERE
