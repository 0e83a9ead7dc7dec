# TRUTHS of the Pulseq reader, event by event: a rotated block plays R g(t) | raster samples lie at the middle of steps, with
#   the stated ends; oversampled ones at half steps | before 1.5 a shape goes on where the block before ends | RF between given
#   times keeps its area | ppm scale with the field | receivers have frequency and phase shapes | shims, triggers and soft delays
#   come and go | a soft delay lasts value / factor + offset | unknown extensions are passed over unless required | uses are
#   guessed by flip and by what follows | our own sequences read back as they were written

from dataclasses import replace
from pathlib import Path

import numpy as np
import pypulseq as pp
import pytest

from fullbore.data import Sequence, SoftDelay, Trigger
from fullbore.errors import FormatError, UsageError
from fullbore.files import read_pulseq, write_pulseq
from fullbore.files.pulseq_labels import LABELS
from fullbore.files.pulseq_read import NOTE, sequence_from_text
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.sequence import build
from tests.files.test_pulseq import SMALL
from tests.files.test_pulseq_read import by_pypulseq, check_gradients, check_positions, gradient_at
from tests.sequence.reference import LIMITS, NAMES, protocol

RF_15 = "[RF]\n1 100 1 2 0 50 0 0 0 0 0 e\n"
RAMP = "shape_id 1\nnum_samples 3\n0.25\n0.75\n1\n\n"
HEAD = "# Pulseq\n\n[VERSION]\nmajor 1\nminor {}\nrevision {}\n\n[DEFINITIONS]\n{}\n\n"


def text(*sections: str, version: tuple[int, int] = (5, 1), definitions: str = "") -> str:
    return HEAD.format(*version, definitions) + "\n".join(section + "\n" for section in sections)


def read(*sections: str, version: tuple[int, int] = (5, 1), definitions: str = "", **options: object) -> Sequence:
    return sequence_from_text(text(*sections, version=version, definitions=definitions), "a.seq", **options)


def knots(sequence: Sequence, axis: int, block: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Times in us and values in Hz/m of what an axis plays."""
    shape = sequence.gradients[sequence.gradient[block, axis]]
    values = shape.values_T_per_m * sequence.gradient_scale[block, axis] * GYROMAGNETIC_RATIO_HZ_PER_T
    return shape.times_s * 1e6, values


def test_raster_samples_lie_at_the_middle_of_steps() -> None:
    sequence = read("[BLOCKS]\n1 5 0 1 0 0 0 0", "[GRADIENTS]\n1 1000 100 900 1 0 20", f"[SHAPES]\n{RAMP}")
    times, values = knots(sequence, 0)
    np.testing.assert_allclose(times, [20, 25, 35, 45, 50])
    np.testing.assert_allclose(values, [100, 250, 750, 1000, 900])


def test_oversampled_shapes_lie_at_half_steps() -> None:
    sequence = read("[BLOCKS]\n1 5 0 1 0 0 0 0", "[GRADIENTS]\n1 1000 100 900 1 -1 0", f"[SHAPES]\n{RAMP}")
    times, values = knots(sequence, 0)
    np.testing.assert_allclose(times, [0, 5, 10, 15, 20])
    np.testing.assert_allclose(values, [100, 250, 750, 1000, 900])
    with pytest.raises(FormatError, match=r"\[GRADIENTS\], line 15: got 2 samples, oversampled, wanted an odd number"):
        read("[BLOCKS]\n1 5 0 1 0 0 0 0", "[GRADIENTS]\n1 9 1 9 1 -1 0", "[SHAPES]\nshape_id 1\nnum_samples 2\n1\n0\n")


def test_before_1_5_a_shape_goes_on_where_the_last_block_ends() -> None:
    sequence = read(
        "[BLOCKS]\n1 3 0 1 0 0 0 0\n2 3 0 1 0 0 0 0\n3 3 0 0 0 0 0 0\n4 4 0 2 0 0 0 0",
        "[GRADIENTS]\n1 1000 1 0 0\n2 1000 1 0 10",
        f"[SHAPES]\n{RAMP}",
        version=(4, 0),
    )
    last = 1000 * (1.5 * 1 - 0.5 * 0.75)
    assert [knots(sequence, 0, block)[1][0] for block in (0, 1, 3)] == pytest.approx([0, last, 0])
    assert [knots(sequence, 0, block)[1][-1] for block in (0, 1, 3)] == pytest.approx([last] * 3)


def turned(angle_deg: float, axis: tuple[float, float, float]) -> tuple[str, np.ndarray]:
    """Pulseq's quaternion and the matrix exp(angle K), by its own series."""
    half = np.deg2rad(angle_deg) / 2
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix = np.eye(3) + np.sin(2 * half) * cross + (1 - np.cos(2 * half)) * cross @ cross
    return " ".join(f"{value:.15g}" for value in (np.cos(half), *(np.sin(half) * np.array(axis)))), matrix


def test_a_rotated_block_plays_the_rotated_gradient() -> None:
    quaternion, matrix = turned(37.0, (0.6, 0.0, 0.8))
    events = ("[TRAP]\n2 3000 20 30 20 10\n3 -1000 10 0 40 0", "[GRADIENTS]\n1 1000 0 900 1 0 20", f"[SHAPES]\n{RAMP}")
    plain = read("[BLOCKS]\n1 9 0 1 2 3 0 0\n2 9 0 1 2 3 0 0", *events)
    extension = f"[EXTENSIONS]\n1 7 1 0\n\nextension ROTATIONS 7\n1 {quaternion}"
    rotated = read("[BLOCKS]\n1 9 0 1 2 3 0 0\n2 9 0 1 2 3 0 1", *events, extension)
    times = np.sort(np.random.default_rng(0).random(3000)) * 180e-6
    before = np.stack([gradient_at(plain, axis, times) for axis in range(3)])
    after = np.stack([gradient_at(rotated, axis, times) for axis in range(3)])
    wanted = np.where(times < 90e-6, before, matrix @ before)
    np.testing.assert_allclose(after, wanted, rtol=0, atol=1e-9 * np.abs(before).max())


def test_a_quarter_turn_needs_no_new_shape(tmp_path: Path) -> None:
    quaternion, _ = turned(90.0, (0.0, 0.0, 1.0))
    sections = ("[BLOCKS]\n1 9 0 2 0 0 0 1\n2 9 0 2 0 0 0 0", "[TRAP]\n2 3000 20 30 20 10")
    sequence = read(*sections, f"[EXTENSIONS]\n1 1 1 0\n\nextension ROTATIONS 1\n1 {quaternion}")
    assert len(sequence.gradients) == 1
    assert sequence.gradient.tolist() == [[-1, 0, -1], [0, -1, -1]]
    write_pulseq(sequence, tmp_path / "a.seq")
    assert read_pulseq(tmp_path / "a.seq").gradient.tolist() == sequence.gradient.tolist()
    with pytest.raises(FormatError, match="quaternion of no length"):
        read(*sections, "[EXTENSIONS]\n1 1 1 0\n\nextension ROTATIONS 1\n1 0 0 0 0")


def test_rf_between_given_times_keeps_its_area() -> None:
    columns = ("0\n1\n0.5", "0\n0.25\n0.5", "0.5\n10.3\n20.7")
    shapes = "".join(f"shape_id {number}\nnum_samples 3\n{column}\n\n" for number, column in enumerate(columns, 1))
    sequence = read("[BLOCKS]\n1 5 1 0 0 0 0 0", "[RF]\n1 100 1 2 3 8 10 0 0 0 0 r", f"[SHAPES]\n{shapes}")
    pulse = sequence.rf_pulses[0]
    signal = 100 * np.array([0, 1, 0.5]) * np.exp(2j * np.pi * np.array([0, 0.25, 0.5]))
    area = np.trapezoid(signal, np.array([0.5, 10.3, 20.7]) * 1e-6)
    assert len(pulse.b1_T) == 21
    assert abs(pulse.b1_T.sum() * 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T - area) < 1e-12 * abs(area)
    first = np.interp([0.5, 1.0], [0.5, 10.3], [0, 1]) * 100
    assert abs(pulse.b1_T[0] * GYROMAGNETIC_RATIO_HZ_PER_T) == pytest.approx(first.mean() * 0.5)
    assert (pulse.delay_s, pulse.centre_s, pulse.use) == (pytest.approx(10e-6), pytest.approx(8e-6), "r")
    assert pulse.flip_rad == pytest.approx(2 * np.pi * abs(area))


FLAT = "shape_id 1\nnum_samples 100\n1\n0\n0\n97\n\nshape_id 2\nnum_samples 100\n0\n0\n98\n\n"
PPM = ("[BLOCKS]\n1 50 1 0 0 0 1 0", "[RF]\n1 100 1 2 0 50 0 -3.3 2 7 1 s", "[ADC]\n1 4 10000 0 1.5 0.25 -30 0.5 3")
PHASES = "shape_id 3\nnum_samples 4\n0\n0.1\n0.4\n0.9\n"


@pytest.mark.parametrize(("definitions", "given", "field"), [("", None, 3.0), ("B0 1.494", None, 1.494), ("B0 1.494", 7.0, 7.0)])
def test_ppm_scale_with_the_field(definitions: str, given: float | None, field: float) -> None:
    sequence = read(*PPM, f"[SHAPES]\n{FLAT}{PHASES}", definitions=definitions, b0_T=given)
    larmor_MHz = field * GYROMAGNETIC_RATIO_HZ_PER_T * 1e-6
    assert sequence.rf_frequency_Hz[0] == pytest.approx(7 - 3.3 * larmor_MHz)
    assert sequence.rf_phase_rad[0] == pytest.approx(1 + 2 * larmor_MHz)
    assert sequence.adc_frequency_Hz[0] == pytest.approx(-30 + 1.5 * larmor_MHz)
    assert sequence.adc_phase_rad[0] == pytest.approx(0.5 + 0.25 * larmor_MHz)


def test_all_that_a_block_carries_is_written_again(tmp_path: Path) -> None:
    lists = (
        "[EXTENSIONS]\n1 1 1 2\n2 2 1 3\n3 3 1 4\n4 4 1 5\n5 5 2 0\n6 2 2 0\n\nextension LABELSET 1\n1 3 TRID\n\n"
        "extension TRIGGERS 2\n1 1 3 5 20\n2 2 1 0 1000\n\nextension DELAYS 3\n1 0 -40 2 TE\n\n"
        "extension RF_SHIMS 4\n1 2 1 0 0.5 1.5\n\nextension LABELINC 5\n2 4 LIN\n"
    )
    sections = ("[BLOCKS]\n1 50 1 0 0 0 1 1\n2 100 0 0 0 0 0 6\n3 50 1 0 0 0 1 0", *PPM[1:], lists, f"[SHAPES]\n{FLAT}{PHASES}")
    one = read(*sections)
    write_pulseq(one, tmp_path / "a.seq")
    assert "revision 1" in (tmp_path / "a.seq").read_text()
    for sequence in (one, read_pulseq(tmp_path / "a.seq")):
        assert sequence.rf_shim.tolist() == [0, -1, -1]
        np.testing.assert_allclose(sequence.rf_shims[0], [1, 0.5 * np.exp(1.5j)])
        assert sequence.triggers == (
            Trigger(block=0, kind="output", channel=3, delay_s=5e-6, duration_s=2e-5),
            Trigger(block=1, kind="trigger", channel=1, delay_s=0.0, duration_s=1e-3),
        )
        assert sequence.soft_delays == (SoftDelay(block=0, number=0, hint="TE", offset_s=-4e-5, factor=2.0),)
        assert sequence.encoding.labels["TRID"].tolist() == [3, 3]
        assert sequence.encoding.counter("line").tolist() == [4, 4]
        assert sequence.adcs[0].phase_rad == pytest.approx((0, 0.1, 0.4, 0.9), abs=1e-7)
        np.testing.assert_allclose(sequence.adc_frequency_Hz, one.adc_frequency_Hz)


def test_soft_delays_last_what_pypulseq_makes_of_them(shared_data: Path) -> None:
    path = shared_data / "seq" / "write_gre_label_softdelay.seq"
    wanted = {"TE": 7e-3, "TR": 25e-3}
    theirs = pp.Sequence()
    theirs.read(str(path), remove_duplicates=False)
    theirs.apply_soft_delay(**wanted)
    ours = read_pulseq(path, soft_delays_s=wanted)
    np.testing.assert_allclose(ours.duration_s, list(theirs.block_durations.values()), rtol=0, atol=1e-12)
    only_te = read_pulseq(path, soft_delays_s={"TE": 7e-3})
    assert read_pulseq(path).total_duration_s < only_te.total_duration_s + 1e-12 < ours.total_duration_s
    with pytest.raises(UsageError, match="TI"):
        read_pulseq(path, soft_delays_s={"TI": 1.0})
    with pytest.raises(UsageError, match="longer"):
        read_pulseq(path, soft_delays_s={"TE": 1e-3})


def test_unknown_extensions_are_passed_over_unless_required() -> None:
    sections = ("[BLOCKS]\n1 50 0 0 0 0 1 1", "[ADC]\n1 4 10000 0 0 0 0 0 0", "[EXTENSIONS]\n1 9 1 2\n2 1 1 0\n")
    own = ("extension WOBBLE 9\n1 what ever 3", "extension LABELSET 1\n1 5 SLC")
    sequence = read(*sections, *own)
    assert sequence.encoding.counter("slice").tolist() == [5]
    assert "WOBBLE" in sequence.definitions[NOTE]
    with pytest.raises(FormatError, match="required extension WOBBLE"):
        read(*sections, *own, definitions="RequiredExtensions LABELSET WOBBLE")
    assert read(*sections, *own, definitions="RequiredExtensions LABELSET").blocks == 1


def pulse(flip_deg: float) -> float:
    """Amplitude (Hz) of a hard pulse of 100 us."""
    return flip_deg / 360 / 100e-6


def test_uses_are_guessed_by_flip_and_by_what_follows() -> None:
    rf = f"[RF]\n1 {pulse(180)} 1 2 0 0 0\n2 {pulse(90)} 1 2 0 0 0\n3 {pulse(170)} 1 2 0 0 0\n4 0 1 2 0 0 0"
    blocks = [
        "1 0 1 0 0 0 0",
        "2 1 0 0 0 0 0",
        "3 0 2 0 0 0 0",
        "4 1 0 0 0 0 0",
        "5 0 3 0 0 0 0",
        "6 1 0 0 0 0 0",
        "7 0 0 0 0 0 1",
    ]
    sequence = read(
        "[BLOCKS]\n" + "\n".join(blocks), rf, "[ADC]\n1 4 10000 0 0 0", "[DELAYS]\n1 5000", f"[SHAPES]\n{FLAT}", version=(2, 1)
    )
    assert [sequence.rf_pulses[index].use for index in sequence.rf[[0, 2, 4]]] == ["i", "e", "r"]
    assert sequence.rf_pulses[0].centre_s == pytest.approx(50e-6)
    assert sequence.total_duration_s == pytest.approx(3 * 100e-6 + 3 * 5e-3 + 40e-6)
    assert sequence.encoding.echo_time_s[0] == pytest.approx(50e-6 + 5e-3 + 100e-6 + 5e-3 + 25e-6)


@pytest.mark.parametrize("name", NAMES)
def test_our_own_sequences_read_back_as_they_were_written(name: str, tmp_path: Path) -> None:
    one = build(protocol(name, **SMALL[name]), LIMITS)
    write_pulseq(one, tmp_path / "a.seq")
    two = read_pulseq(tmp_path / "a.seq")
    assert (two.name, two.blocks) == (one.name, one.blocks)
    np.testing.assert_allclose(two.duration_s, one.duration_s, rtol=0, atol=1e-12)
    for field in ("rf_phase_rad", "rf_frequency_Hz", "adc_phase_rad", "adc_frequency_Hz"):
        plays = getattr(one, field.split("_")[0]) >= 0
        np.testing.assert_allclose(getattr(two, field)[plays], getattr(one, field)[plays], rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(two.encoding.counters, one.encoding.counters)
    extent = np.abs(one.encoding.k_first_per_m).max()
    np.testing.assert_allclose(two.encoding.k_first_per_m, one.encoding.k_first_per_m, rtol=0, atol=1e-6 * extent)
    np.testing.assert_allclose(two.encoding.k_step_per_m, one.encoding.k_step_per_m, rtol=0, atol=1e-8 * extent)
    times = np.sort(np.random.default_rng(1).random(5000)) * one.total_duration_s
    for axis in range(3):
        wanted = gradient_at(one, axis, times)
        np.testing.assert_allclose(gradient_at(two, axis, times), wanted, rtol=0, atol=1e-6 * np.abs(wanted).max(initial=1.0))
    for mine, theirs in zip(one.rf[one.rf >= 0][:50], two.rf[one.rf >= 0][:50], strict=True):
        a, b = one.rf_pulses[mine], two.rf_pulses[theirs]
        assert (b.delay_s, b.centre_s, b.use) == (pytest.approx(a.delay_s), pytest.approx(a.centre_s), a.use)
        assert b.flip_rad == pytest.approx(2 * np.pi * GYROMAGNETIC_RATIO_HZ_PER_T * abs(a.b1_T.sum()) * a.raster_s, rel=1e-6)
    adc = [(one.adcs[a], two.adcs[b]) for a, b in zip(one.adc, two.adc, strict=True) if a >= 0]
    assert all((a.samples, round(a.dwell_s * 1e12)) == (b.samples, round(b.dwell_s * 1e12)) for a, b in adc)


def test_a_longer_name_is_a_longer_file(tmp_path: Path) -> None:
    sequence = replace(read("[BLOCKS]\n1 50 0 0 0 0 0 0"), name="one two")
    write_pulseq(sequence, tmp_path / "a.seq")
    back = read_pulseq(tmp_path / "a.seq")
    assert (back.name, back.encoding.rows, NOTE in back.definitions) == ("one two", 0, False)
    (tmp_path / "a.seq").write_text((tmp_path / "a.seq").read_text().replace("one two", "one more"))
    edited = read_pulseq(tmp_path / "a.seq")
    assert edited.name == "one more" and "signature" in edited.definitions[NOTE]
    write_pulseq(edited, tmp_path / "b.seq")
    assert NOTE not in read_pulseq(tmp_path / "b.seq").definitions


def test_a_spiral_from_pypulseq_with_all_its_events(tmp_path: Path) -> None:
    system = pp.Opts(gamma=GYROMAGNETIC_RATIO_HZ_PER_T, B0=3.0, max_grad=40, grad_unit="mT/m", max_slew=180, slew_unit="T/m/s")
    turn = np.linspace(0, 1, 400)
    arms = 8e5 * turn * np.minimum(1, (1 - turn) * 8) * np.stack([np.sin(38 * turn), np.cos(38 * turn)])
    spiral = [pp.make_arbitrary_grad(axis, arm, first=0, last=0, system=system) for axis, arm in zip("xy", arms, strict=True)]
    lobe = 5e5 * np.sin(np.pi * np.linspace(0, 1, 401)) ** 2
    fine = pp.make_arbitrary_grad("z", lobe, first=0, last=0, oversampling=True, system=system)
    excite, select, _ = pp.make_sinc_pulse(
        1.0, duration=2e-3, slice_thickness=5e-3, system=system, return_gz=True, use="excitation", freq_ppm=-3.3
    )
    refocus = pp.make_block_pulse(np.pi, duration=1e-3, system=system, use="refocusing")
    receivers = [
        pp.make_adc(380, dwell=1e-5, delay=1e-4, system=system, freq_offset=123.0, phase_offset=0.7),
        pp.make_adc(100, dwell=2e-5, delay=1e-4, system=system, phase_modulation=np.linspace(0, 1, 100) ** 2),
    ]
    made = pp.Sequence(system)
    for shot in range(3):
        made.add_block(excite, select, pp.make_label(type="SET", label="LIN", value=shot))
        made.add_block(refocus)
        both = [pp.make_label(type=kind, label="AVG", value=value) for kind, value in (("INC", 2), ("SET", 7), ("INC", shot))]
        made.add_block(*spiral, receivers[0], *both)
        made.add_block(fine, receivers[1], pp.make_label(type="INC", label="REP", value=1))
    made.write(str(tmp_path / "a.seq"), remove_duplicates=False)
    ours, theirs = read_pulseq(tmp_path / "a.seq"), by_pypulseq(tmp_path / "a.seq", guess=False)
    check_gradients(ours, theirs)
    check_positions(ours, theirs)
    for label, values in theirs.evaluate_labels(evolution="adc").items():
        name = next(name for name, known in LABELS.items() if known == label)
        np.testing.assert_array_equal(ours.encoding.counter(name), values)
    assert ours.encoding.row_samples is not None and ours.encoding.row_samples.tolist() == [380, 100] * 3
    assert ours.encoding.dwell_per_row_s().tolist() == [1e-5, 2e-5] * 3
    np.testing.assert_allclose(ours.adcs[1].phase_rad, np.linspace(0, 1, 100) ** 2, rtol=0, atol=1e-6)
    write_pulseq(ours, tmp_path / "b.seq")
    check_positions(ours, by_pypulseq(tmp_path / "b.seq", guess=False))
    assert " -1 0\n" in (tmp_path / "b.seq").read_text()
