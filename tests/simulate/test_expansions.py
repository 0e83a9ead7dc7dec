# TRUTHS of pulses that differ little: expanded about a common one, each is what stepping its own gradients makes it, whatever
#   the shape, the courses and the carrier | the whole signal is that of pulses made one by one, and the reference's | polynomials
#   of the orders that are kept are found exactly from their nodes | spins off a table's range are stepped | long tables = steps
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore.data import EddyMode, Flaws, GradientResponse
from fullbore.simulate.cloud import play_cloud, pulse_shapes, reference, reference_steps
from fullbore.simulate.cloud.expansions import LEAST, find_families
from fullbore.simulate.cloud.pulses import CloudPulses, integrate
from fullbore.simulate.cloud.spots import make_spots
from fullbore.simulate.fields import make_bore
from fullbore.simulate.timeline import compile_timeline
from tests.simulate.small import GRE, TSE, built, error, machine
from tests.simulate.test_cloud import spins

SPEC = machine()
EDDIES = GradientResponse(
    delay_s=(3e-6, 5e-6, 0.0),
    modes=(
        EddyMode(time_constant_s=40e-6, amplitude=0.02 * np.eye(4, 3)),
        EddyMode(time_constant_s=3e-3, amplitude=np.array([[9e-3, 0, 5e-4], [0, 6e-3, 0], [0, 0, 7e-3], [1e-4, 0, 2e-4]])),
    ),
)
LATE = replace(SPEC, flaws=Flaws(response=EDDIES))
MANY = {
    "gre": GRE | {"matrix": [8, 12, 6], "dummy_views": 20},
    "tse": TSE | {"matrix": [16, 32], "slices": 2, "slice_thickness": "10 mm", "train_length": 8, "repetition_time": "400 ms"},
}


def few_rates(count: int = 300):
    """Spins of two tissues anywhere."""
    cloud, second = spins(count), np.arange(count) % 2
    return replace(cloud, t1_s=np.where(second, 0.9, 1.4), t2_s=np.where(second, 0.07, 0.11))


@pytest.mark.parametrize("name", MANY)
def test_each_pulse_is_its_own_steps(name):
    cloud, sequence = few_rates(), built(MANY[name], SPEC)
    bore = make_bore(LATE.flaws, LATE.b0_T)
    timeline, spots = compile_timeline(sequence, bore), make_spots(cloud, bore)
    pulses, place = CloudPulses(timeline, spots), spots.at(0.0)
    rows = np.arange(len(pulses.played))
    expansions = pulses.expansions(spots, place, rows)
    expanded = np.concatenate([expansion.rows for expansion in expansions])
    assert len(rows) > 60 and len(expanded) > 0.5 * len(rows) and len(np.unique(expanded)) == len(expanded)
    got = pulses.terms(spots, place, rows, expansions)
    for row in expanded[:: len(expanded) // 12]:
        kind, frequency_Hz, shim = pulses.played[row]
        wanted = integrate(timeline.kinds[int(kind)], cloud, place, np.abs(spots.drive[int(shim)]), frequency_Hz)
        assert np.abs(got[row].T - wanted).max() < 2 * np.pi * pulse_shapes.STILL_TURNS
    assert np.abs(got[1] - got[-1]).max() > 1e-4  # they do differ


@pytest.mark.parametrize("name", MANY)
def test_the_signal_is_that_of_pulses_one_by_one(name, monkeypatch):
    cloud, sequence = few_rates(60), built(MANY[name], SPEC)
    got = play_cloud(cloud, sequence, LATE)
    monkeypatch.setattr("fullbore.simulate.cloud.pulses.find_families", lambda *inputs: [])
    assert 0 < error(got, play_cloud(cloud, sequence, LATE)) < 1e-5


def test_the_signal_is_the_references(monkeypatch):
    """Steps of the reference an eighth as long: an eddy current of 40 us is not held apart by those that suit slower ones."""
    for name in ("LONGEST_STEP_S", "LONGEST_REST_S", "HELD_STEP_S", "RF_STEP_S"):
        monkeypatch.setattr(reference_steps, name, getattr(reference_steps, name) / 8)
    cloud, sequence = few_rates(8), built(GRE | {"matrix": [8, 4, 4], "dummy_views": 0}, SPEC)
    assert error(play_cloud(cloud, sequence, LATE), reference(cloud, sequence, LATE)) < 1e-5


def test_polynomials_are_found_from_their_nodes():
    random = np.random.default_rng(0)
    strayed = random.uniform(-1, 1, size=(200, 2, 3)) * np.array([2e-3, 5e-4])[:, None]
    (family,) = find_families(np.zeros(200, int), np.arange(200), strayed, np.ones(2), np.ones(3))
    assert len(family.orders) > 8 and (family.orders.sum(axis=1) <= 6).all()
    value = random.normal(size=len(family.orders))
    at_nodes = np.prod(family.nodes[:, None, :] ** family.orders[None], axis=2) @ value
    np.testing.assert_allclose(family.from_nodes @ at_nodes, value, atol=1e-12)
    held = {tuple(order) for order in family.orders.tolist()}
    assert all(tuple(np.maximum(np.array(order) - step, 0)) in held for order in held for step in np.eye(2, dtype=int))
    assert LEAST < 1e-7


def test_spins_off_a_tables_range_are_stepped(monkeypatch):
    monkeypatch.setattr(pulse_shapes, "LOOK_STEPS", -10_000)  # a table whatever it costs
    cloud = few_rates(4000)
    far = np.zeros(len(cloud))
    far[:2] = 9000.0, -12000.0
    cloud = replace(cloud, off_resonance_Hz=cloud.off_resonance_Hz + far)
    timeline = compile_timeline(built(GRE, SPEC))
    spots = make_spots(cloud, make_bore(Flaws(), 3.0))
    pulses = CloudPulses(timeline, spots)
    shape = pulses._shapes[0]
    assert shape is not None and shape.table is not None and shape.axis[-1] < 9000 and shape.axis[0] > -12000
    got = pulses.terms(spots, spots.at(0.0), np.arange(1))[0]
    wanted = integrate(
        timeline.kinds[int(pulses.played[0, 0])], cloud, spots.at(0.0), np.abs(spots.drive[0]), pulses.played[0, 1]
    )
    assert np.abs(got.T - wanted).max() < 2e-6
