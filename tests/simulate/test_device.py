# TRUTHS of clouds on devices (here on tensors of the processor; on CUDA where there is one):
#   every sequence = the float64 reference to 1e-5: hard, selective, inverting and turning pulses, spins of many relaxation times,
#   lines, lines of two directions, spokes, spirals, spirals that come again, readouts of two lengths under a turning receiver,
#   several transmit channels played alike | readouts before any pulse are silent | RF shims are refused
#   | pulses looked up = pulses integrated | any blocks of spins and pieces of the sequence = all at once
#   | flaws of the machine and moving spins = `play_cloud`; spins that flow past the receivers are refused
#   | the same bytes every time, from the host or carried there | absent devices and clouds elsewhere are refused
#   | products are in float32 whatever the program chose, and its choice comes back
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fullbore.data import Course, Flaws, RigidMotion, Sequence
from fullbore.errors import UsageError
from fullbore.simulate.cloud import SpinCloud, device, play_cloud, reference, scatter
from fullbore.simulate.cloud.device import exact_products, play_on
from fullbore.simulate.cloud.device_cloud import DeviceCloud, carry
from fullbore.simulate.cloud.device_layout import lay_out
from fullbore.simulate.cloud.device_pulses import DevicePulses, integrate
from fullbore.simulate.timeline import compile_timeline
from tests.simulate.small import GRE, MPRAGE, TSE, built, error, rod
from tests.simulate.test_cloud import SPEC, spins, turning

CUDA = pytest.param("cuda", marks=[
    pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
])  # fmt: skip
DEVICES = pytest.mark.parametrize("where", ["cpu", CUDA])


def radial() -> Sequence:
    """Every readout in a direction of its own."""
    sequence = built(GRE, SPEC)
    turn = np.cumsum(sequence.rf >= 0) * 1.94
    gradient, scale = sequence.gradient.copy(), sequence.gradient_scale.copy()
    gradient[:, 1] = gradient[:, 2]
    scale[:, 1], scale[:, 2] = np.sin(turn) * scale[:, 2], np.cos(turn) * scale[:, 2]
    return replace(sequence, gradient=gradient, gradient_scale=scale)


def two_directions() -> Sequence:
    """Every other repetition with its axes exchanged: two lines of many readouts, whose cells have nothing in common."""
    sequence = built(GRE, SPEC, matrix=[8, 8, 4])
    odd = (np.cumsum(sequence.rf >= 0) % 2 == 1)[:, None]
    gradient = np.where(odd, sequence.gradient, sequence.gradient[:, [2, 0, 1]])
    return replace(
        sequence, gradient=gradient, gradient_scale=np.where(odd, sequence.gradient_scale, sequence.gradient_scale[:, [2, 0, 1]])
    )


def again(times: int = 3) -> Sequence:
    """The turning sequence, with its spiral, over and over."""
    once = turning()
    names = ("duration_s", "rf", "rf_phase_rad", "rf_frequency_Hz", "gradient", "gradient_scale", "adc", "adc_phase_rad")
    encoding = replace(built(GRE, SPEC).encoding.take(np.arange(4 * times)), samples=40, dwell_s=40e-6)
    return replace(once, encoding=encoding, **{name: np.concatenate([getattr(once, name)] * times) for name in names})


def mixed(once: Sequence) -> Sequence:
    """A readout before any pulse; then every other one shorter and denser than the rest; a receiver that turns."""
    reads = np.flatnonzero(once.adc >= 0)
    blocks, long = np.concatenate([reads[:1], np.arange(once.blocks)]), once.adcs[0]
    count = 3 * long.samples // 4
    short = replace(long, samples=count, dwell_s=0.9 * long.dwell_s, phase_rad=tuple(np.linspace(0, 3, count).tolist()))
    names = ("duration_s", "rf", "rf_phase_rad", "rf_frequency_Hz", "gradient", "gradient_scale", "adc", "adc_phase_rad")
    own = {name: getattr(once, name)[blocks] for name in names}
    own["rf"][0], is_short = -1, np.arange(len(reads) + 1) % 2
    own["adc"][own["adc"] >= 0] = is_short
    encoding = replace(
        once.encoding.take(np.concatenate([[0], np.arange(len(reads))])), row_samples=np.array([long.samples, count])[is_short],
        row_dwell_s=np.array([long.dwell_s, short.dwell_s])[is_short],
    )  # fmt: skip
    return replace(once, adcs=(long, short), adc_frequency_Hz=np.where(own["adc"] >= 0, 370.0, 0.0), encoding=encoding, **own)


JOBS = {
    "gre": lambda: (scatter(rod(8), SPEC, (1, 1, 3)), built(GRE, SPEC)),
    "mprage": lambda: (scatter(rod(8), SPEC, (1, 1, 3)), built(MPRAGE, SPEC)),
    "tse": lambda: (scatter(rod(8), SPEC, (1, 1, 3)), built(TSE, SPEC)),
    "gre, all spins different": lambda: (spins(100), built(GRE, SPEC)),
    "mprage, all spins different": lambda: (spins(100), built(MPRAGE, SPEC)),
    "tse, all spins different": lambda: (spins(100), built(TSE, SPEC)),
    "turning": lambda: (spins(), turning()),
    "turning again": lambda: (spins(), again()),
    "two directions": lambda: (spins(100), two_directions()),
    "radial": lambda: (spins(300), radial()),
    "lines of two lengths": lambda: (spins(100), mixed(built(GRE, SPEC, matrix=[8, 8, 4]))),
    "spokes of two lengths": lambda: (spins(100), mixed(radial())),
    "curves of two lengths": lambda: (spins(), mixed(turning())),
    "two transmit channels": lambda: (two_channels(), turning()),
}


@DEVICES
@pytest.mark.parametrize("job", JOBS)
def test_a_device_gives_the_reference(job, where):
    cloud, sequence = JOBS[job]()
    assert error(play_on(cloud, sequence, where), reference(cloud, sequence)) < 1e-5


@DEVICES
def test_readouts_before_any_pulse_are_silent(where):
    got = play_on(spins(), mixed(turning()), where)
    assert not got[0].any() and np.abs(got[1:]).max() > 0.1
    first = turning()
    late = replace(first, rf=np.where(np.arange(first.blocks) == first.blocks - 1, 0, -1), adc=np.append(first.adc[:-1], -1),
                   encoding=first.encoding.take(np.arange((first.adc[:-1] >= 0).sum())))  # fmt: skip
    assert not play_on(spins(), late, where).any()


def two_channels() -> SpinCloud:
    cloud = spins()
    return replace(cloud, b1_scale=np.stack([0.6 * cloud.b1_scale, 0.5 * np.exp(0.3j) * np.roll(cloud.b1_scale, 1)]))


def many(count: int = 20_000) -> SpinCloud:
    """So many spins, of two tissues, that pulses are looked up."""
    cloud, random = spins(count, 1, 2), np.random.default_rng(2)
    first = random.random(count) < 0.4
    return replace(cloud, t1_s=np.where(first, 0.8, 1.3), t2_s=np.where(first, 0.07, 0.11))


@DEVICES
def test_pulses_looked_up_are_pulses_integrated(where):
    timeline = compile_timeline(built(TSE, SPEC, slice_thickness="20 mm"))
    cloud = carry(many(), where)
    pulses, which = DevicePulses(timeline, cloud), torch.arange(300, device=where)
    assert all(table is not None for table in pulses._tables.values())
    part = cloud.take(which)
    for (kind, frequency_Hz), looked_up in zip(
        pulses.played, pulses.terms(part, which, np.arange(len(pulses.played))), strict=True
    ):
        wanted = integrate(timeline.kinds[int(kind)], part, float(frequency_Hz))
        assert float((looked_up - wanted).abs().max()) < 2e-6


@DEVICES
@pytest.mark.parametrize("job", [
    lambda: built(GRE, SPEC), radial, again, two_directions, lambda: mixed(two_directions())
], ids=["gre", "radial", "again", "two", "mixed"])  # fmt: skip
def test_blocks_and_pieces_are_the_whole(monkeypatch, job, where):
    cloud, sequence, told = many(2500), job(), []
    whole = play_on(cloud, sequence, where)
    assert error(whole, play_cloud(cloud, sequence)) < 2e-6
    monkeypatch.setattr(device, "MOST_ROWS", 7)
    parts = play_on(cloud, sequence, where, memory_bytes=1_000_000, progress=told.append)
    assert error(parts, whole) < 2e-6
    assert told == sorted(told) and told[-1] == 1 and len(set(told)) > 5


@DEVICES
def test_the_same_bytes_every_time_and_for_a_carried_cloud(where):
    cloud, sequence = many(3000), built(GRE, SPEC)
    first = play_on(cloud, sequence, where).tobytes()
    assert play_on(cloud, sequence, where).tobytes() == first
    assert play_on(carry(cloud, where), sequence, where).tobytes() == first


FLAWED = replace(SPEC, flaws=Flaws(drift_Hz_per_s=30.0, concomitant=True))
SHIFT = Course(times_s=np.array([0.0, 0.05, 0.2]), values=np.array([[0.0, 0, 0], [2e-3, 0, 1e-3], [0, 1e-3, 0]]))
TURN = Course(times_s=np.array([0.0, 0.1]), values=np.array([[0.0, 0, 0], [0.05, -0.02, 0.03]]))


@DEVICES
@pytest.mark.parametrize("moves", [False, True], ids=["still", "moving"])
@pytest.mark.parametrize("job", ["gre", "turning"])
def test_flaws_and_motion_are_those_of_play_cloud(monkeypatch, job, moves, where):
    """Every pulse is then a kind of its own, and places have further coordinates."""
    cloud, sequence = JOBS[job]()
    monkeypatch.setattr(device, "MOST_PROPAGATORS", 3)
    monkeypatch.setattr(device, "MOST_ROWS", 5)
    if moves:
        cloud = replace(cloud, motion=RigidMotion(turn=TURN, shift=SHIFT))
    wanted, ideal = play_cloud(cloud, sequence, FLAWED), play_on(replace(cloud, motion=None), sequence, where)
    assert error(play_on(cloud, sequence, where, FLAWED), wanted) < 1e-5 < 0.01 * error(ideal, wanted)
    assert error(play_on(carry(cloud, where, FLAWED), sequence, where), wanted) < 1e-5


def test_what_only_play_cloud_plays_is_refused():
    motion, coils = RigidMotion(turn=TURN, shift=SHIFT), SPEC.receive.sensitivity
    with pytest.raises(UsageError, match="Use play_cloud"):
        play_on(replace(spins(4, coils=len(coils.values)), motion=motion, through=coils), turning(), "cpu")
    with pytest.raises(UsageError, match="Give the spec to carry"):
        play_on(carry(spins(4), "cpu"), turning(), "cpu", FLAWED)
    shimmed = replace(turning(), rf_shims=(np.array([1.0, 1j]),), rf_shim=np.where(turning().rf >= 0, 0, -1))
    with pytest.raises(UsageError, match=r"RF shims.*Use play_cloud"):
        play_on(two_channels(), shimmed, "cpu")


def test_a_layout_holds_every_spin_once_in_its_own_cell():
    cell = torch.tensor(np.random.default_rng(0).integers(-3, 9, 5000) ** 3)
    layout = lay_out(cell)
    held = layout.slot[layout.slot >= 0]
    assert sorted(held.tolist()) == list(range(5000))
    assert layout.slot.numel() < 1.2 * 5000
    for slots, own in zip(layout.slot, layout.cell, strict=True):
        assert bool((cell[slots[slots >= 0]] == own).all())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_an_absent_device_is_refused():
    with pytest.raises(UsageError, match="torch finds no CUDA device"):
        play_on(spins(4), turning(), "cuda")


def test_a_cloud_that_is_elsewhere_is_refused():
    here = carry(spins(4), "cpu")
    names = ("place", "t1_s", "t2_s", "off_resonance_Hz", "b1_size", "seen")
    elsewhere = DeviceCloud(bore=here.bore, **{name: getattr(here, name).to("meta") for name in names})
    with pytest.raises(UsageError, match="the cloud is on meta, wanted cpu"):
        play_on(elsewhere, turning(), "cpu")


def test_products_are_exact_and_the_programs_choice_comes_back():
    matmul = torch.backends.cuda.matmul
    before = matmul.allow_tf32
    try:
        matmul.allow_tf32 = True
        with exact_products():
            assert getattr(matmul, "fp32_precision", "ieee") == "ieee"
        assert matmul.allow_tf32
    finally:
        matmul.allow_tf32 = before
