"""A tissue that changes while it is looked at: a contrast agent that passes, blood that loses its oxygen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fullbore.data.tissue import Tissue
from fullbore.errors import ShapeError, ValueRangeError

PARTS = ("r1_per_s", "r2_per_s", "r2_prime_per_s", "shift_ppm")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TissueCourse:
    """What time adds to one tissue's rates 1/T1, 1/T2, 1/T2' and to its chemical shift.

    tissue: its name. times_s: (t,) rising, from the start of the sequence; the others: (t,) at these times, straight between
    them and constant outside, None for no change. Of a contrast agent: relaxivity times concentration.
    """

    tissue: str
    times_s: np.ndarray
    r1_per_s: np.ndarray | None = None
    r2_per_s: np.ndarray | None = None
    r2_prime_per_s: np.ndarray | None = None
    shift_ppm: np.ndarray | None = None

    def __post_init__(self) -> None:
        count = len(self.times_s)
        if count == 0 or not np.isfinite(self.times_s).all() or np.any(np.diff(self.times_s) <= 0):
            raise ValueRangeError(f"TissueCourse of {self.tissue}, times_s: wanted at least one finite time, rising.")
        for name in PARTS:
            value = getattr(self, name)
            if value is not None and np.shape(value) != (count,):
                raise ShapeError(f"TissueCourse of {self.tissue}, {name}: got {np.shape(value)}, wanted ({count},) like times_s.")
            if value is not None and not np.isfinite(value).all():
                raise ValueRangeError(f"TissueCourse of {self.tissue}, {name}: NaN or infinity. Give finite values.")

    @property
    def added(self) -> np.ndarray:
        """(t, 4): R1, R2, R2' (1/s) and shift (ppm)."""
        parts = [getattr(self, name) for name in PARTS]
        still = np.zeros(len(self.times_s))
        return np.stack([still if part is None else np.asarray(part, np.float64) for part in parts], axis=1)

    def check(self, tissue: Tissue) -> None:
        """Errors: ValueRangeError where the tissue's rates cannot change so: R1 <= 0, R2 < R1 / 2 or R2' < 0."""
        r1, r2, r2_prime, _ = self.added.T + np.array([1 / tissue.t1_s, 1 / tissue.t2_s, 1 / tissue.t2_prime_s, 0])[:, None]
        bad = (r1 <= 0) | (r2 < 0.5 * r1 * (1 - 1e-9)) | (r2_prime < -1e-9)
        if bad.any():
            worst = int(bad.argmax())
            got = (float(r1[worst]), float(r2[worst]), float(r2_prime[worst]))
            raise ValueRangeError(
                f"TissueCourse of {self.tissue} at {self.times_s[worst]:.6g} s: R1, R2, R2' become {got} per second, "
                "wanted R1 > 0, R2 >= R1 / 2 and R2' >= 0."
            )
