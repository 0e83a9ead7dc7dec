# TRUTHS of the bridge to PyPulseq: a script's object becomes ours without a file: block durations, k-space to 1e-6 of its extent,
#   labels, phases and triggers are theirs | all its digits come across, where its files keep six | ours becomes theirs and comes
#   back: nothing changes | its rasters and limits are ours | the object is left as it was | what PyPulseq does not know, another
#   object, and its absence are one sentence each

import builtins
from dataclasses import replace
from pathlib import Path

import numpy as np
import pypulseq as pp
import pytest

from fullbore.data import Sequence
from fullbore.errors import FormatError, UsageError
from fullbore.files import from_pypulseq, read_pulseq, to_pypulseq
from fullbore.files.pulseq_labels import LABELS
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence import build
from tests.files.test_pulseq import SMALL
from tests.files.test_pulseq_read import FILES, by_pypulseq, check_positions
from tests.sequence.reference import LIMITS, NAMES, protocol


def script(system: pp.Opts) -> pp.Sequence:
    """What a script makes: slice selection, a shaped gradient, lines, labels, a trigger, a soft delay, spoiling phases."""
    made = pp.Sequence(system)
    rf, select, refocus = pp.make_sinc_pulse(
        0.3, duration=2e-3, slice_thickness=5e-3, system=system, return_gz=True, use="excitation", phase_ppm=0.1, freq_ppm=-3.3
    )
    wave = pp.make_arbitrary_grad("z", 1e5 * np.sin(np.linspace(0, np.pi, 200)) / 3, first=0, last=0, system=system)
    read = pp.make_trapezoid("x", flat_area=64 / 0.22, flat_time=3.2e-3, system=system)
    adc = pp.make_adc(64, duration=read.flat_time, delay=read.rise_time, system=system)
    for line in range(8):
        rf.phase_offset = adc.phase_offset = np.deg2rad(117) * line * (line + 1) / 2
        phase = pp.make_trapezoid("y", area=(line - 4) / 0.22, duration=1e-3, system=system)
        back = pp.make_trapezoid("x", area=-read.area / 2, duration=1e-3, system=system)
        made.add_block(rf, select, pp.make_label(type="SET", label="LIN", value=line), pp.make_trigger("physio1", duration=1e-4))
        made.add_block(back, phase, refocus)
        made.add_block(pp.make_delay(2e-3), pp.make_soft_delay("TE", offset=-1e-3, factor=1.0))
        made.add_block(read, adc, pp.make_label(type="INC", label="REP", value=1))
        made.add_block(wave)
    made.set_definition("Name", "from a script")
    made.set_definition("FOV", [0.22, 0.22, 5e-3])
    return made


def system(**rasters: float) -> pp.Opts:
    return pp.Opts(
        gamma=GYROMAGNETIC_RATIO_HZ_PER_T, B0=2.89, max_grad=40, grad_unit="mT/m", max_slew=150, slew_unit="T/m/s", **rasters
    )


def check_labels(ours: Sequence, theirs: pp.Sequence) -> None:
    for label, values in theirs.evaluate_labels(evolution="adc").items():
        name = next((name for name, known in LABELS.items() if known == label), "")
        column = ours.encoding.counter(name) if name else ours.encoding.labels.get(label)
        if column is not None:
            np.testing.assert_array_equal(column, values)


@pytest.mark.parametrize("rasters", [{}, {"grad_raster_time": 4e-6, "block_duration_raster": 4e-6, "rf_raster_time": 2e-6}])
def test_a_script_becomes_our_sequence(rasters: dict[str, float]) -> None:
    theirs = script(system(**rasters))
    before = {number: tuple(events) for number, events in theirs.block_events.items()}
    ours = from_pypulseq(theirs)
    np.testing.assert_allclose(ours.duration_s, list(theirs.block_durations.values()), rtol=0, atol=1e-12)
    check_positions(ours, theirs)
    check_labels(ours, theirs)
    larmor_MHz = 2.89e-6 * GYROMAGNETIC_RATIO_HZ_PER_T
    lines = np.arange(8)
    np.testing.assert_allclose(ours.rf_phase_rad[::5], np.deg2rad(117) * lines * (lines + 1) / 2 + 0.1 * larmor_MHz, rtol=1e-14)
    np.testing.assert_allclose(ours.rf_frequency_Hz[::5], -3.3 * larmor_MHz, rtol=1e-14)
    assert [(t.block, t.kind, t.channel, t.duration_s) for t in ours.triggers] == [(5 * n, "trigger", 1, 1e-4) for n in lines]
    assert {(d.hint, d.offset_s, d.factor) for d in ours.soft_delays} == {("TE", -1e-3, 1.0)}
    assert (ours.name, ours.definitions["FOV"]) == ("from a script", "0.22 0.22 0.005")
    assert {number: tuple(events) for number, events in theirs.block_events.items()} == before


def test_all_digits_come_across_where_files_keep_six(tmp_path: Path) -> None:
    theirs = script(system())
    theirs.write(str(tmp_path / "a.seq"), remove_duplicates=False, check_timing=False)
    straight, filed = from_pypulseq(theirs), read_pulseq(tmp_path / "a.seq", b0_T=2.89)
    k = theirs.calculate_kspace()[0].T.reshape(8, 64, 3)
    lost = [np.abs(each.encoding.trajectory_per_m() - k).max() / np.abs(k).max() for each in (straight, filed)]
    assert lost[0] < 1e-12 < 1e-9 < lost[1] < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_ours_becomes_theirs_and_comes_back(name: str) -> None:
    one = build(protocol(name, **SMALL[name]), LIMITS)
    theirs = to_pypulseq(one, LIMITS)
    assert theirs.check_timing()[0]
    two = from_pypulseq(theirs)
    for sequence in (one, two):
        np.testing.assert_allclose(list(theirs.block_durations.values()), sequence.duration_s, rtol=0, atol=1e-12)
        check_positions(sequence, theirs)
        check_labels(sequence, theirs)
    np.testing.assert_array_equal(two.encoding.counters, one.encoding.counters)
    assert theirs.system.max_slew == pytest.approx(LIMITS.slew_T_per_m_s * GYROMAGNETIC_RATIO_HZ_PER_T)
    assert theirs.system.rf_dead_time == LIMITS.rf_dead_time_s and theirs.system.B0 == 3.0


@pytest.mark.parametrize("name", FILES)
def test_what_pypulseq_reads_comes_across_as_its_file(shared_data: Path, name: str) -> None:
    path = shared_data / "seq" / f"{name}.seq"
    if not path.is_file():
        pytest.skip(f"no {path}")
    theirs = by_pypulseq(path, guess=True)
    ours = from_pypulseq(theirs)
    np.testing.assert_allclose(ours.duration_s, list(theirs.block_durations.values()), rtol=0, atol=1e-12)
    check_positions(ours, theirs)
    check_labels(ours, theirs)


def test_what_cannot_cross_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="got a dict without block_events"):
        from_pypulseq({})
    one = build(protocol("localizer", **SMALL["localizer"]), LIMITS)
    shimmed = replace(one, rf_shims=(np.ones(2, dtype=np.complex128),), rf_shim=np.where(one.rf >= 0, 0, -1).astype(np.int32))
    with pytest.raises(FormatError, match="has RF shims"):
        to_pypulseq(shimmed)
    labelled = replace(one, encoding=replace(one.encoding, labels={"WOBBLE": np.ones(one.encoding.rows, dtype=np.int32)}))
    with pytest.raises(FormatError, match="label WOBBLE"):
        to_pypulseq(labelled)
    off = script(system())
    off.block_durations[3] += 3e-6
    with pytest.raises(FormatError, match="block 3 lasts"):
        from_pypulseq(off)
    real = builtins.__import__

    def without(name: str, *more: object) -> object:
        if name == "pypulseq":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match="PyPulseq is not installed"):
        to_pypulseq(one)
