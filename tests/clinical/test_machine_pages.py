# TRUTHS of the pages of machines: two slices differ by their largest difference over the brightest | a difference of a thousandth
#   is drawn, not black | slices of other shapes are not compared | a long title stands in lines over its picture
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.clinical.acceptance import View
from fullbore.clinical.acceptance.plane import Plane
from fullbore.clinical.machine_figures import MachineFigures
from fullbore.clinical.report.acceptance_page import acceptance_figure
from fullbore.clinical.report.system_page import difference, images_figure

BEFORE = MachineFigures(
    name="before", b0_T=3.0, gradient_T_per_m=0.045, slew_T_per_m_s=200.0, sequences=(), echo_planar_m_per_Hz=1e-4, field_ppm={},
    bend_m={},
)  # fmt: skip
MACHINES = [BEFORE, replace(BEFORE, name="after")]


def slices() -> list[np.ndarray]:
    one = np.linspace(0.0, 2.0, 64).reshape(8, 8)
    two = one.copy()
    two[3, 4] += 0.002
    return [one, two]


def test_slices_differ_by_their_largest_difference() -> None:
    one, two = slices()
    assert difference([one, two]) == pytest.approx(0.001, rel=1e-9)
    assert difference([one, one]) == 0.0
    assert difference([one]) is None and difference([one, two[:4]]) is None


def test_a_small_difference_is_drawn() -> None:
    first, second, third = images_figure(slices(), MACHINES).axes
    assert first.images[0].get_clim() == second.images[0].get_clim()
    low, high = third.images[0].get_clim()
    assert (low, high) == pytest.approx((0.0, 0.002)) and "0.001" in third.get_title()


def test_a_long_title_stands_in_lines() -> None:
    title = "ACR slice 7: uniformity, gradient echo at the Ernst angle"
    along = np.arange(8) * 1e-3
    plane = Plane(values=np.ones((8, 8)), x_m=along, y_m=along)
    told = acceptance_figure([View(title=title, plane=plane, readings=())]).axes[0].get_title()
    assert told.replace("\n", " ") == title and max(map(len, told.split("\n"))) <= 36
