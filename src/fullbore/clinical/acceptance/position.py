"""Slice position from crossed wedges (ACR test 4): two bars whose lengths differ by twice the slice's error."""

from __future__ import annotations

import numpy as np

from fullbore.clinical.acceptance.plane import Mark, Plane
from fullbore.errors import DataError


def bar_difference_m(
    plane: Plane, left_m: tuple[float, float], right_m: tuple[float, float], y_m: tuple[float, float]
) -> tuple[float, tuple[Mark, ...]]:
    """How much longer the bar on the right is than that on the left, m; and both bars.

    left_m, right_m: from and to x of each bar, y_m: from (dark, in the bars) to (bright, beyond their ends). A bar ends where its
    profile rises through half. Source: Phantom Test Guidance for the ACR MRI Accreditation Program.
    Errors: DataError when a bar has no end there.
    """
    ends, marks = [], []
    y = np.arange(y_m[0], y_m[1], 0.1 * min(plane.pixel_m))
    for low, high in (left_m, right_m):
        x = np.linspace(low, high, 9)
        profile = plane.at(*(np.ascontiguousarray(part) for part in np.meshgrid(x, y))).mean(axis=1)
        level = 0.5 * (np.percentile(profile, 5) + np.percentile(profile, 95))
        dark = np.flatnonzero(profile < level)
        if not len(dark) or dark[-1] == len(y) - 1:
            raise DataError("slice position: a wedge's bar has no end in the picture; is the slice on the wedges?")
        i = int(dark[-1])
        share = (level - profile[i]) / (profile[i + 1] - profile[i])
        ends.append(float(y[i] + share * (y[i + 1] - y[i])))
        marks.append(Mark(kind="line", points_m=(((low + high) / 2, y_m[0]), ((low + high) / 2, ends[-1]))))
    return ends[1] - ends[0], tuple(marks)
