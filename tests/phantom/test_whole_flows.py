# TRUTHS of blood in a whole body: what torso, head and legs pass adds up at neck, loin and groin, and is the parts' own | vessels
#   that cross a join go on within their width | one pace at every moment on both sides of the neck | vessels lie in their blood |
#   the flow is free of divergence | a station has what crosses it, with the same flux and velocity | an empty station is refused
from __future__ import annotations

import numpy as np
import pytest

from fullbore.errors import ValueRangeError
from fullbore.numerics.vessel import Vessel
from fullbore.phantom import station
from fullbore.phantom.bodies.head_vessels import INFLOW_M3_PER_S
from fullbore.phantom.bodies.torso_flows import FACE
from fullbore.phantom.bodies.whole_body import whole_body
from fullbore.phantom.bodies.whole_flows import PELVIS
from fullbore.phantom.flowing import flow_velocity, flux_m3_per_s
from fullbore.phantom.sampling import mixture
from tests.phantom.test_flowing import gradients
from tests.phantom.test_torso_flows import lumen

BODY = whole_body(heart_rate_per_min=72.0, ejection_fraction=0.55)
OUTPUT = BODY.truths["cardiac_output_m3_per_s"]


def flux(name: str) -> float:
    return BODY.truths[f"{name.replace(' ', '_')}_flow_m3_per_s"]


def find(value: float, tissue: str) -> list:
    """Flows of a flux."""
    return [flow for flow in BODY.flows if flow.tissue == tissue and flux_m3_per_s(flow) == pytest.approx(value, rel=1e-6)]


def test_what_the_parts_pass_adds_up_at_the_joins():
    for side in ("left", "right"):
        # Neck: the outer carotid artery is not drawn.
        assert flux(f"{side} carotid artery") == pytest.approx(flux(f"{side} internal carotid artery") + FACE * OUTPUT)
        assert flux(f"{side} vertebral artery in the neck") == pytest.approx(flux(f"{side} vertebral artery"))
        assert flux(f"{side} jugular vein in the neck") == pytest.approx(flux(f"{side} jugular vein"))
        # Loin and groin: the inner iliac artery is not drawn.
        assert flux(f"{side} iliac artery") == pytest.approx(flux(f"{side} outer iliac artery") + PELVIS * OUTPUT)
        assert flux(f"{side} outer iliac artery") == pytest.approx(
            flux(f"{side} femoral artery") + flux(f"{side} deep femoral artery")
        )
        assert flux(f"{side} femoral vein") + flux(f"{side} saphenous vein") == pytest.approx(flux(f"{side} outer iliac vein"))
        assert flux(f"{side} femoral artery") == pytest.approx(BODY.truths["artery_flow_m3_per_s"])
    assert flux("brachiocephalic artery") == pytest.approx(flux("right carotid artery") + flux("right subclavian artery"))
    # The brain gets 12 % of the cardiac output (Leggett and Williams 1995), the head's own distribution of it.
    brain = sum(flux(f"{side} {name}") for side in ("left", "right") for name in ("internal carotid artery", "vertebral artery"))
    assert brain == pytest.approx(0.12 * OUTPUT)
    assert flux("left middle cerebral artery") / brain == pytest.approx(150e-6 / 60 / INFLOW_M3_PER_S)
    # Truths are what the flows pass.
    for name in (
        "left internal carotid artery",
        "left middle cerebral artery",
        "left femoral artery",
        "right outer iliac artery",
    ):
        assert find(flux(name), "arterial blood"), name


def test_vessels_go_on_across_the_joins():
    for above, below, tissue in (
        ("left internal carotid artery", "left carotid artery", "arterial blood"),
        ("left vertebral artery", "left vertebral artery in the neck", "arterial blood"),
    ):
        sides = [[f for f in find(flux(name), tissue) if f.path_m[:, 0].mean() > 0] for name in (above, below)]
        steps = [
            float(np.linalg.norm(second.path_m[-1] - first.path_m[0]))
            for first in sides[0] for second in sides[1] if second is not first
        ]  # fmt: skip
        assert min(steps) < 4e-3, above
        first, second = sides[0][0], sides[1][-1]
        times = np.linspace(0, 2, 300)
        np.testing.assert_array_equal(first.pace.at(times), second.pace.at(times))
    arteries = find(flux("left outer iliac artery"), "arterial blood")
    for flow in arteries:
        own = min(find(flux("left iliac artery"), "arterial blood"), key=lambda f: np.linalg.norm(f.path_m[-1] - flow.path_m[0]))
        assert np.linalg.norm(own.path_m[-1] - flow.path_m[0]) < 2 * 5.2e-3
    # Femoral arteries run from the groin to the knee as one, carotid arteries from the arch to the base of the head.
    for flow in find(flux("left femoral artery"), "arterial blood"):
        assert flow.path_m[-1, 2] < -0.73
        assert flow.path_m[0, 2] > -0.45
    assert any(f.path_m[0, 2] < 0.23 and f.path_m[-1, 2] > 0.29 for f in find(flux("left carotid artery"), "arterial blood"))


def test_vessels_lie_in_blood_and_are_free_of_divergence():
    names = [tissue.name for tissue in BODY.tissues]
    for number, flow in enumerate(BODY.flows):
        held = mixture(BODY, lumen(flow, 200), 5e-4)[:, names.index(flow.tissue)].mean()
        # Joins of lines drawn apart, slanting mouths, veins beside arteries.
        assert held > 0.85, f"flow {number} of {flow.tissue} from {flow.path_m[0]} to {flow.path_m[-1]}: {held:.2f}"
        slope = gradients(flow, lumen(flow, 60))
        scale = max(np.linalg.norm(slope, axis=(1, 2)).max(), flow.peak_velocity_m_per_s / float(np.min(flow.radius_m)))
        assert np.abs(np.trace(slope, axis1=1, axis2=2)).max() < 5e-3 * scale  # differences over 40 um of splines


def test_a_station_has_what_crosses_it():
    low, high = -0.70, -0.50
    part = station(BODY, low, high)
    assert part.low_m[2] == low and part.high_m[2] == high
    assert 4 <= len(part.flows) <= 10  # two arteries and two veins on each side, less what ends before
    points = np.concatenate([lumen(flow, 100) for flow in part.flows])
    points = points[(points[:, 2] > low + 0.02) & (points[:, 2] < high - 0.02)]
    whole, here = (flow_velocity(flows, points, 0.2) for flows in (BODY.flows, part.flows))
    # Splines of pieces of a path differ a little near their ends.
    np.testing.assert_allclose(here, whole, atol=1e-2 * np.abs(whole).max())
    assert {round(1e9 * flux_m3_per_s(f)) for f in part.flows} <= {round(1e9 * flux_m3_per_s(f)) for f in BODY.flows}
    for flow in part.flows:
        assert low <= flow.path_m[:, 2].min() and flow.path_m[:, 2].max() <= high
        Vessel(flow)
    with pytest.raises(ValueRangeError, match="station"):
        station(BODY, 3.0, 4.0)
