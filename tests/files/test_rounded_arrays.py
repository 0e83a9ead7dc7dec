# TRUTHS of rounded arrays
# | what | truth |
# | a step 2^-k | every value off by half a step at most, by none once rounded; shape and dtype stay |
# | packed in an archive and unpacked | bit by bit what rounding gave, of one to five axes; other arrays as they are |
# | a smooth complex map | less than half the bytes that the archive takes otherwise |
# | a machine written with steps | the digest that stands in its table is that of what is read back |
# | no power of two, too many steps, NaN | refused |
from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from fullbore import hardware
from fullbore.errors import ValueRangeError
from fullbore.files import machine_digest, read_machine, write_machine
from fullbore.files.rounded_arrays import packed, rounded, unpacked


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("shape", [(5, 4, 3), (2, 5, 4, 3), (1, 2, 1, 4, 3)])
def test_what_is_packed_comes_back(dtype: type, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    array = (rng.normal(size=shape) + (1j * rng.normal(size=shape) if np.issubdtype(dtype, np.complexfloating) else 0)).astype(
        dtype
    )
    other = rng.normal(size=3)
    once = rounded(array, 2.0**-9)
    difference = array - once
    assert max(np.abs(difference.real).max(), np.abs(difference.imag).max()) <= 2.0**-10
    np.testing.assert_array_equal(rounded(once, 2.0**-9), once)
    back = unpacked({**packed("a", array, 2.0**-9), "b": other})
    assert set(back) == {"a", "b"} and back["a"].dtype == array.dtype
    np.testing.assert_array_equal(back["a"], once)
    np.testing.assert_array_equal(back["b"], other)


def _bytes(**arrays: np.ndarray) -> int:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return len(file.getvalue())


def test_smooth_maps_become_small() -> None:
    z, y, x = np.indices((32, 32, 32)) / 16 - 1
    smooth = np.exp(-(x**2) - y**2 + 1j * (x + 2 * z)).astype(np.complex64)[None]
    assert _bytes(**packed("a", smooth, 2.0**-12)) < _bytes(a=smooth) / 2


def test_a_machine_in_steps(tmp_path: Path) -> None:
    spec = hardware.design(hardware.Brief())
    sha = write_machine(spec, tmp_path, {"receive.sensitivity.values": 2.0**-12})
    found = read_machine(tmp_path)
    assert machine_digest(found) == sha != machine_digest(spec) and f'sha256 = "{sha}"' in (tmp_path / "machine.toml").read_text()
    np.testing.assert_array_equal(found.receive.sensitivity.values, rounded(spec.receive.sensitivity.values, 2.0**-12))
    np.testing.assert_array_equal(found.transmit.values, spec.transmit.values)


@pytest.mark.parametrize(("value", "step"), [(1.0, 0.3), (1.0, -0.5), (1.0, 0.0), (1.0, 2.0**-24), (np.nan, 0.5), (np.inf, 0.5)])
def test_what_cannot_be_rounded(value: float, step: float) -> None:
    with pytest.raises(ValueRangeError, match="rounded array"):
        rounded(np.full((2, 2, 2), value), step)
