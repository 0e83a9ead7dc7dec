# TRUTHS of simulate.acquire: states play what they can and spins the rest; the plan says which and why before anything is played
#   | both engines agree | readouts of several lengths, receiver offsets and phases, shims of several channels, and readouts
#   before the first pulse are the reference's | pieces and memory do not change the samples | Ctrl-C keeps what is done
#   | unknown engines are refused
from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from fullbore.data import Adc, FieldMap, Flaws, Grid, Sequence
from fullbore.errors import AcquisitionInterrupted, ShapeError, UsageError
from fullbore.simulate import acquire
from fullbore.simulate.acquire import choose, per_cell
from fullbore.simulate.cloud import acquire_cloud, play_cloud, reference, scatter
from fullbore.simulate.cloud.play import CloudRun, duration_text
from fullbore.simulate.cloud.scatter import scattered
from fullbore.simulate.cloud.schedule import pieces
from tests.simulate.small import GRE, TSE, box, built, cut, error, machine, rod, samples
from tests.simulate.test_cloud import spins, turning

SPEC = machine()


def told(**more) -> tuple[list[str], object]:
    lines: list[str] = []
    sequence = more.pop("sequence", None) or built(GRE, SPEC)
    raw = acquire(rod(), sequence, more.pop("spec", SPEC), progress=lambda f, what: lines.append(what), **more)
    return lines, raw


def test_the_plan_comes_first_and_says_why():
    lines, raw = told()
    assert lines[:2] == ["planning", lines[1]] and lines[1].startswith("plan: configuration states")
    assert raw.provenance["simulator"] == "configuration states on classes"
    lines, raw = told(spec=replace(SPEC, flaws=Flaws(concomitant=True)), spins=20_000)
    plan = lines[1]
    assert plan.startswith("plan: ") and "isochromats" in plan and "GB" in plan and " s: Flaws.concomitant" in plan
    assert raw.provenance["simulator"] == "isochromats" and raw.provenance["phantom"] == "rod"
    assert int(raw.provenance["spins"]) <= 20_000


@pytest.mark.parametrize(("seconds", "told"), [(0.6, "1 s"), (7000.0, "7000 s"), (36_000.0, "10 hours")])
def test_a_long_scan_is_told_in_hours(seconds, told):
    assert duration_text(seconds) == told


def test_engines_agree():
    """Spoiled magnetisation stays spoiled with 250 spins in a voxel of a lattice that is sheared; on a grid it comes back."""
    sequence, body = built(GRE, SPEC), box(shape=(6, 6, 6), spacing_m=(5e-3,) * 3)
    wanted = samples(body, sequence, SPEC)
    found = {
        count: error(play_cloud(scatter(body, SPEC, per_cell(body, count), seed=1), sequence), wanted)
        for count in (25_000, 100_000)
    }
    # cells of the lattice are wide for the sensitivities, which are taken as straight between them
    assert found[25_000] < 0.015 and found[100_000] < 0.008
    assert error(play_cloud(scatter(body, SPEC, per_cell(body, 100_000)), sequence), wanted) > 0.2
    states, free = (acquire(body, sequence, SPEC, seed=1, engine=name, spins=100_000) for name in ("states", "spins"))
    np.testing.assert_array_equal(free.noise, states.noise)  # the same receivers


def test_per_cell_keeps_its_promise():
    body = rod()
    for spins_asked in (1000, 20_000):
        counts = per_cell(body, spins_asked)
        assert scattered(body, counts) <= spins_asked
        assert len(scatter(body, SPEC, counts, seed=0)) <= scattered(body, counts)


def mixed() -> Sequence:
    """A readout before any pulse, then readouts of two lengths and dwells, one demodulated off resonance, one modulated."""
    sequence = turning()
    long = replace(sequence.adcs[0], phase_rad=tuple(np.linspace(0, 1, 40)))
    adcs = (Adc(samples=25, dwell_s=60e-6, delay_s=2e-4), long)
    adc = np.array([0, 0, 1, 0, -1, 1])
    blocks = np.where(adc >= 0, adc, 0)
    rf = np.array([-1, -1, -1, -1, 0, -1])
    rf[1] = -1
    starts = replace(sequence, rf=np.array([-1, 0, -1, -1, 0, -1]), adc=np.array([0, -1, 1, 0, -1, 1]))
    read = np.array([0, 1, 0, 1])
    encoding = replace(
        sequence.encoding, row_samples=np.array([adcs[i].samples for i in read]),
        row_dwell_s=np.array([adcs[i].dwell_s for i in read]),
    )  # fmt: skip
    assert len(blocks) == sequence.blocks
    return replace(starts, adcs=adcs, encoding=encoding, adc_frequency_Hz=np.linspace(0, 500, sequence.blocks))


def test_readouts_of_any_length_and_receiver_phase_are_the_reference():
    cloud, sequence = spins(), mixed()
    samples = play_cloud(cloud, sequence)
    assert not samples[0].any()  # nothing is excited yet
    assert not samples[2, :, 25:].any() and samples[1, :, 39].any()
    assert error(samples, reference(cloud, sequence)) < 1e-5


def test_shims_of_several_channels_are_the_reference():
    base, sequence = spins(), turning()
    random = np.random.default_rng(5)
    channels = random.normal(size=(3, len(base))) + 1j * random.normal(size=(3, len(base)))
    cloud = replace(base, b1_scale=0.4 * channels)
    shims = (np.array([1.0, 0.5j, -0.3]), np.array([0.2j, 1.0, 0.1]))
    shimmed = replace(sequence, rf_shims=shims, rf_shim=np.array([0, -1, -1, -1, 1, -1], np.int32))
    assert error(play_cloud(cloud, shimmed), reference(cloud, shimmed)) < 1e-5
    assert error(play_cloud(cloud, sequence), play_cloud(cloud, shimmed)) > 0.1
    alone = replace(base, b1_scale=np.conj(shims[0]) @ cloud.b1_scale)  # the first pulse as one channel would play it
    assert error(play_cloud(alone, sequence)[:3], play_cloud(cloud, shimmed)[:3]) < 1e-5
    with pytest.raises(ShapeError, match="RF shim of 3 weights for 1"):
        play_cloud(base, shimmed)


def test_pieces_cover_every_readout_once():
    last = np.array([-1, 0, 0, 2, 2, 2, 3, 7])
    for most in (1, 2, 4, 100):
        found = pieces(last, most)
        rows = np.concatenate([np.arange(8)[piece.rows] for piece in found])
        np.testing.assert_array_equal(rows, np.arange(1, 8))
        assert found[0].pulses.start == 0 and found[-1].pulses.stop == 8
        assert all(a.pulses.stop == b.pulses.start for a, b in pairwise(found))


@pytest.mark.parametrize("which", ["gre", "tse"])
def test_memory_does_not_change_the_samples(which):
    cloud, sequence = scatter(rod(8), SPEC, (1, 1, 3)), built({"gre": GRE, "tse": TSE}[which], SPEC)
    whole = play_cloud(cloud, sequence)
    assert error(play_cloud(cloud, sequence, memory_bytes=200_000), whole) < 1e-6


def test_ctrl_c_keeps_the_readouts_that_are_done():
    cloud, sequence = scatter(rod(8), SPEC, (1, 1, 3)), built(GRE, SPEC)
    cloud = replace(cloud, amount=1e6 * cloud.amount)  # far above the noise
    whole = play_cloud(cloud, sequence)

    def stop(fraction: float) -> None:
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(AcquisitionInterrupted) as caught:
        acquire_cloud(cloud, sequence, SPEC, progress=stop, memory_bytes=200_000)
    part = caught.value.acquired
    assert 0 < part.encoding.rows < sequence.encoding.rows
    quiet = CloudRun(cloud, sequence, SPEC, tolerance=1e-6, memory_bytes=200_000)
    assert len(pieces(quiet._timeline.last_pulse, quiet._most_rows)) >= 2
    assert error(part.samples, whole[: part.encoding.rows]) < 1e-3


def test_lines_of_t2_prime_decay():
    """Many spins of a seed: the mean of exp(-2 pi i f t) over their Lorentzian lines is exp(-t / T2')."""
    body = box(shape=(4, 4, 4), kind=replace(rod().tissues[0], t2_prime_s=0.02))
    regular, random = scatter(body, SPEC, (5, 5, 5)), scatter(body, SPEC, (5, 5, 5), seed=1)
    line = random.off_resonance_Hz - regular.off_resonance_Hz
    for t in (0.005, 0.02, 0.05):
        assert abs(np.exp(-2j * np.pi * line * t).mean() - np.exp(-t / 0.02)) < 3e-3  # of 27,000 spins: 1 / sqrt of their number
    moved = np.abs(random.position_m - regular.position_m).max()
    assert 0 < moved <= 0.5 * 2e-3 / 5 + 1e-12


def test_what_states_refuse_is_played_by_spins_and_said():
    grid = Grid.centred((3, 3, 3), (0.05,) * 3)
    two = FieldMap(values=np.ones((2, 3, 3, 3), complex), grid=grid, unit="1")
    cases = {
        "transmit channels": (built(GRE, SPEC), replace(SPEC, transmit=two)),
        "wanted one length": (mixed(), SPEC),
        "along read or phase": (turning(), SPEC),
    }
    for words, (sequence, spec) in cases.items():
        choice = choose(rod(), sequence, spec)
        assert choice.engine == "spins", words
        with pytest.raises(UsageError):
            acquire(rod(), sequence, spec, engine="states")
    with pytest.raises(UsageError, match="engine 'fast', wanted one of auto, states, spins"):
        acquire(rod(), cut(built(GRE, SPEC), 2), SPEC, engine="fast")
