# TRUTHS of the Pulseq reader on broken files: whatever happened to a file, it is read or refused in one sentence that names it,
#   within a second, and what is read is finite | line ends, tabs, comments and a missing last line end change nothing |
#   shape bombs, lists of millions, endless lists, references to nothing and negative times are refused with section and line |
#   what no block uses changes nothing | half a version and rasters that are no times are refused | hundreds of seeded
#   mutations, cuts and hostile numbers change none of this | numbers are read and written to the last bit

import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fullbore.data import Sequence
from fullbore.errors import FormatError
from fullbore.files import read_pulseq, to_pypulseq, write_pulseq
from fullbore.files.pulseq import pulseq_text
from fullbore.files.pulseq_digits import lines_of
from fullbore.files.pulseq_read import NOTE, sequence_from_text
from fullbore.files.pulseq_text import Section, numbers, parsed_number
from fullbore.sequence import build
from tests.files.pulseq_breakage import BREAKS, HARMLESS, Break
from tests.files.test_pulseq import SMALL
from tests.files.test_pulseq_events import FLAT, PPM, RAMP, text
from tests.files.test_pulseq_read import FILES
from tests.sequence.reference import LIMITS, NAMES, protocol


def assert_finite(sequence: Sequence) -> None:
    encoding = sequence.encoding
    columns = [
        sequence.duration_s,
        sequence.rf_phase_rad,
        sequence.rf_frequency_Hz,
        sequence.adc_phase_rad,
        sequence.gradient_scale,
    ]
    columns += [encoding.k_first_per_m, encoding.k_step_per_m, *(gradient.values_T_per_m for gradient in sequence.gradients)]
    columns += [pulse.b1_T for pulse in sequence.rf_pulses]
    assert all(np.isfinite(column).all() for column in columns)


def assert_read_or_refused(broken: str) -> None:
    begin = time.process_time()
    try:
        sequence = sequence_from_text(broken, "some.seq")
    except FormatError as error:
        assert str(error).startswith("some.seq") and "wanted" in str(error)
    else:
        assert_finite(sequence)
    assert time.process_time() - begin < 1.0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(FILES),
    breaks=st.lists(st.sampled_from(BREAKS + HARMLESS), min_size=1, max_size=2),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_broken_file_is_read_or_refused(shared_data: Path, name: str, breaks: list[Break], seed: int) -> None:
    path = shared_data / "seq" / f"{name}.seq"
    if not path.is_file():
        pytest.skip(f"no {path}")
    rng, broken = np.random.default_rng(seed), path.read_text()
    for break_ in breaks:
        broken = break_(broken, rng) if broken else broken
    assert_read_or_refused(broken)


@pytest.mark.parametrize("break_", BREAKS, ids=lambda f: f.__name__)
def test_a_broken_small_file_is_read_or_refused(break_: Break) -> None:
    lists = (
        "[EXTENSIONS]\n1 1 1 2\n2 2 1 3\n3 3 1 4\n4 4 1 0\n\nextension LABELSET 1\n1 3 LIN\n\nextension TRIGGERS 2\n1 1 3 5 20\n"
    )
    more = "extension ROTATIONS 3\n1 1 0.5 0 0\n\nextension RF_SHIMS 4\n1 2 1 0 0.5 1.5\n"
    blocks = "[BLOCKS]\n1 50 1 1 2 0 1 1\n2 50 0 3 0 1 0 0\n3 40 0 0 0 0 1 3"
    gradients = "[GRADIENTS]\n1 1000 10 900 4 0 0\n2 1000 10 900 4 -1 20\n\n[TRAP]\n3 3000 20 30 20 10"
    shapes = f"[SHAPES]\n{FLAT}{RAMP.replace('shape_id 1', 'shape_id 4')}shape_id 3\nnum_samples 4\n0\n0.1\n0.4\n0.9\n"
    whole = text(blocks, *PPM[1:], gradients, lists, more, shapes)
    assert sequence_from_text(whole, "some.seq").blocks == 3
    for seed in range(60):
        assert_read_or_refused(break_(whole, np.random.default_rng(seed)))


@pytest.mark.parametrize("harmless", HARMLESS, ids=lambda f: f.__name__)
def test_what_does_not_matter_changes_nothing(shared_data: Path, harmless: Break, tmp_path: Path) -> None:
    original = (shared_data / "seq" / "write_gre_label.seq").read_text()
    (tmp_path / "a.seq").write_bytes(harmless(original, np.random.default_rng(0)).encode())
    one, two = sequence_from_text(original, "a.seq"), read_pulseq(tmp_path / "a.seq")
    for name in ("duration_s", "rf", "gradient", "gradient_scale", "adc", "adc_phase_rad"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(one.encoding.counters, two.encoding.counters)
    assert NOTE not in one.definitions


BLOCK = "[BLOCKS]\n1 50 1 0 0 0 0 0"
RF = "[RF]\n1 100 1 2 0 50 0 0 0 0 0 e"
LABELS = "\n".join(f"{number} 1 L{number}" for number in range(1, 2001))


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ((BLOCK, RF), r"\[RF\], line 15: got shape 1"),
        (
            (BLOCK, RF, "[SHAPES]\nshape_id 1\nnum_samples 1000000000000\n0\n0\n999999999998\n"),
            r"\[SHAPES\], line 19: got num_samples",
        ),
        ((BLOCK, RF, "[SHAPES]\nshape_id 1\nnum_samples 100\n0\n0\n1e9\n"), r"\[SHAPES\], line 18: got 3 numbers"),
        ((BLOCK, RF, f"[SHAPES]\n{FLAT}{RAMP}"), "shape_id 1"),
        ((BLOCK, RF + "\n1 200 1 2 0 50 0 0 0 0 0 e", f"[SHAPES]\n{FLAT}"), r"\[RF\], line 16: got the id 1 again"),
        ((BLOCK, RF.replace("50 0 0", "50 -1 0"), f"[SHAPES]\n{FLAT}"), r"\[RF\], line 15: got delay -1"),
        (("[BLOCKS]\n1 50 0 2 0 0 0 0", "[TRAP]\n2 1 -5 5 5 0"), r"\[TRAP\], line 15: got rise -5"),
        (("[BLOCKS]\n1 50 0 2 0 0 0 0", "[TRAP]\n3 1 5 5 5 0"), r"\[BLOCKS\], line 12: got gradient 2 on axis x"),
        (
            ("[BLOCKS]\n1 50 0 2 0 0 0 0", "[TRAP]\n2 1 5 5 5 0", "[GRADIENTS]\n2 1 0 0 1 0 0"),
            r"\[GRADIENTS\], line 18: got the id 2",
        ),
        (("[BLOCKS]\n1 -3 0 0 0 0 0 0",), r"\[BLOCKS\], line 12: got duration -3"),
        (("[BLOCKS]\n1 1e14 0 0 0 0 0 0",), r"\[BLOCKS\], line 12: got a sequence of 1e\+09 s"),
        (("[BLOCKS]\n1 5 0 0 0 0 0 0\n1 5 0 0 0 0 0 0",), r"\[BLOCKS\], line 13: got the id 1 again"),
        (("[BLOCKS]\n1 5 0 0 0 0 0",), r"\[BLOCKS\], line 12: got 7 columns, wanted 8"),
        (("[BLOCKS]\n1 5 0 0 0 0 0 0\n2 5 0 nan 0 0 0 0",), r"\[BLOCKS\], line 13: got 'nan'"),
        (("[BLOCKS]\n1 5 0 0 0 0 0 1", "[EXTENSIONS]\n1 1 1 2\n2 1 1 1\n\nextension LABELSET 1\n1 1 LIN"), "goes on after 256"),
        (("[BLOCKS]\n1 5 0 0 0 0 0 1", "[EXTENSIONS]\n1 1 1 9\n\nextension LABELSET 1\n1 1 LIN"), "got next id 9"),
        (("[BLOCKS]\n1 5 0 0 0 0 0 1", "[EXTENSIONS]\n1 3 1 0\n\nextension LABELSET 1\n1 1 LIN"), "got an entry of type 3"),
        (("[BLOCKS]\n1 5 0 0 0 0 0 1", "[EXTENSIONS]\n1 1 2 0\n\nextension LABELSET 1\n1 1 LIN"), "a reference to LABELSET 2"),
        (("[BLOCKS]\n1 5 0 0 0 0 0 1",), r"\[BLOCKS\], line 12: got the extension list 1"),
        (("[BLOCKS]\n1 5 0 0 0 0 1 0", "[ADC]\n1 0 1000 0 0 0 0 0 0"), r"\[ADC\], line 15: got number of samples 0"),
        (("[BLOCKS]\n1 5 0 0 0 0 1 0", "[ADC]\n1 9e9 1000 0 0 0 0 0 0"), r"\[ADC\], line 15: got number of samples 9e\+09"),
        (
            ("[BLOCKS]\n1 5 0 0 0 0 0 1", "[EXTENSIONS]\n1 1 1 0\n\nextension LABELSET 1\n1 3.5 LIN"),
            "got value 3.5, wanted a whole",
        ),
        (
            ("[BLOCKS]\n1 5 0 0 0 0 0 1", f"[EXTENSIONS]\n1 1 1 0\n\nextension LABELSET 1\n{LABELS}"),
            r"LABELSET, line 17: got 2000 different labels, wanted at most 1000",
        ),
        ((BLOCK, "[VERSION]\nmajor 1"), r"\[VERSION\], line \d+: got the section again"),
        (("[BLOCKS]",), "no blocks"),
        (("[NONSENSE]\n1 2 3",), r"\[NONSENSE\]"),
        (("[BLOCKS]\n1 5 0 0 0 0 0 0", "[DELAYS]\n1 100"), r"\[DELAYS\]"),
    ],
)
def test_nonsense_is_refused_by_section_and_line(sections: tuple[str, ...], words: str) -> None:
    with pytest.raises(FormatError, match=words):
        sequence_from_text(text(*sections), "some.seq")


def list_of(length: int, kind: int) -> str:
    """An extension list of one entry again and again."""
    return "[EXTENSIONS]\n" + "".join(f"{n} {kind} 1 {(n + 1) % (length + 1)}\n" for n in range(1, length + 1))


LISTED = "[BLOCKS]\n" + "\n".join(f"{number} 1 0 0 0 0 0 1" for number in range(1, 7901))
LONG_SHAPE = "[SHAPES]\nshape_id 1\nnum_samples 4194304\n0.1\n0\n0\n4194301\n"


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ((LISTED, list_of(250, 2), "extension TRIGGERS 2\n1 1 1 0 100"), "1975000 entries of TRIGGERS in all, wanted at most"),
        ((LISTED, list_of(250, 2), "extension DELAYS 2\n1 0 0 1 TE"), "1975000 entries of DELAYS in all, wanted at most"),
        (
            (
                "[BLOCKS]\n" + "\n".join(f"{number} 9 0 0 0 0 {number} 0" for number in range(1, 200)),
                "[ADC]\n" + "\n".join(f"{number} 4194304 1 {number} 0 0 0 0 1" for number in range(1, 200)),
                LONG_SHAPE,
            ),
            r"\[ADC\], line 2\d\d: got 8388608 samples so far that have phases",
        ),
    ],
    ids=["triggers", "soft delays", "phases"],
)
def test_few_lines_that_stand_for_much_are_refused_within_a_second(sections: tuple[str, ...], words: str) -> None:
    begin = time.process_time()
    with pytest.raises(FormatError, match=words):
        sequence_from_text(text(*sections), "some.seq")
    assert time.process_time() - begin < 1.0


def test_extensions_that_no_block_uses_change_nothing() -> None:
    blocks = "[BLOCKS]\n1 5 0 0 0 0 0 0"
    unused = "[EXTENSIONS]\n1 1 1 0\n\nextension LABELSET 1\n1 3 LIN"
    assert sequence_from_text(text(blocks, unused), "some.seq").total_duration_s == pytest.approx(5e-5, rel=1e-12)


@pytest.mark.parametrize(
    ("said", "words"), [("", "no major version"), ("major 1", "no minor version"), ("major 10000000", "major")]
)
def test_half_a_version_is_refused(said: str, words: str) -> None:
    with pytest.raises(FormatError, match=rf"\[VERSION\].*{words}"):
        sequence_from_text(f"[VERSION]\n{said}\n\n[BLOCKS]\n1 5 0 0 0 0 0 0\n", "some.seq")


@pytest.mark.parametrize("raster", ["AdcRasterTime", "GradientRasterTime"])
@pytest.mark.parametrize("value", ["fast", "", "0", "nan", "-1e-5"])
def test_a_raster_that_is_no_time_and_plays_no_part_is_refused_when_written(raster: str, value: str, tmp_path: Path) -> None:
    sequence = sequence_from_text(text("[BLOCKS]\n1 5 0 0 0 0 0 0", definitions=f"{raster} {value}"), "some.seq")
    with pytest.raises(FormatError, match=f"defines {raster} as '{value}', wanted a time"):
        write_pulseq(sequence, tmp_path / "a.seq")
    with pytest.raises(FormatError, match=f"defines {raster} as '{value}', wanted a time"):
        to_pypulseq(sequence)


@pytest.mark.parametrize("content", [b"", b"\x01pulseq\x02\0\0\0", b"PNG" * 99, b"[VERSION]\nmajor 2\nminor 0\n", b"\xff\xfe[\0"])
def test_what_is_no_pulseq_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.seq").write_bytes(content)
    with pytest.raises(FormatError, match=r"a\.seq"):
        read_pulseq(tmp_path / "a.seq")
    for path in (tmp_path, tmp_path / "none.seq"):
        with pytest.raises(FormatError, match="could not be read"):
            read_pulseq(path)


def assert_survives(whole: str, seeds: range) -> None:
    """Any three breaks, one after the other."""
    for seed in seeds:
        rng, broken = np.random.default_rng(seed), whole
        for number in rng.integers(0, len(BREAKS), rng.integers(1, 4)).tolist():
            broken = BREAKS[number](broken, rng) if broken else broken
        assert_read_or_refused(broken)


@pytest.mark.parametrize("name", FILES)
def test_many_mutations_of_others_files(shared_data: Path, name: str) -> None:
    path = shared_data / "seq" / f"{name}.seq"
    if not path.is_file():
        pytest.skip(f"no {path}")
    assert_survives(path.read_text(), range(9))


@pytest.mark.parametrize("name", NAMES)
def test_many_mutations_of_our_files(name: str) -> None:
    assert_survives(pulseq_text(build(protocol(name, **SMALL[name]), LIMITS)), range(25))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_cut_at_any_section_is_read_or_refused(name: str) -> None:
    whole = pulseq_text(build(protocol(name, **SMALL[name]), LIMITS))
    for begin in [match.start() for match in re.finditer(r"(?m)^(\[|extension|shape_id)", whole)][:40]:
        for at in (begin, begin + 3, whole.find("\n", begin)):
            assert_read_or_refused(whole[:at])


NUMBERS = (
    "1e9",
    "1000000000",
    "2147483647",
    "2147483648",
    "99999999999999999999",
    "-1",
    "nan",
    "1e400",
    "0.5",
    "0x10",
    "1_0",
    "٣",
)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_hostile_number_anywhere_is_read_or_refused(number: str) -> None:
    """In each column of the first row of each section, and in each number of the definitions."""
    whole = pulseq_text(build(protocol("localizer", **SMALL["localizer"]), LIMITS))
    lines = whole.split("\n")
    for at, title in enumerate(lines[:-1]):
        if not title.startswith(("[", "extension", "shape_id", "num_samples")):
            continue
        row = at if title.startswith(("shape_id", "num_samples", "extension")) else at + 1
        for column in range(len(lines[row].split())):
            words = lines[row].split()
            words[column] = number
            assert_read_or_refused("\n".join([*lines[:row], " ".join(words), *lines[row + 1 :]]))


def test_a_million_blocks_of_nothing_and_a_broken_one_are_told_apart_quickly() -> None:
    rows = "\n".join(f"{number} 1 0 0 0 0 0 0" for number in range(1, 200_001))
    assert sequence_from_text(text(f"[BLOCKS]\n{rows}"), "some.seq").blocks == 200_000
    for broken in (rows + "\n200001 1 0 0 0 0 0 nan", rows + "\n7 1 0 0 0 0 0 0", rows + " 9"):
        assert_read_or_refused(text(f"[BLOCKS]\n{broken}"))
    assert_read_or_refused(text("[BLOCKS]\n1 1 0 0 0 0 0 1", "[EXTENSIONS]\n" + "[" * 200_000))
    assert_read_or_refused(text("[BLOCKS]\n1 1 0 0 0 0 0 0") + "extension " * 100_000)


@pytest.mark.parametrize("seed", range(5))
def test_numbers_are_read_as_python_reads_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2**63, 3000).view(np.float64)
    values = [
        *bits[np.isfinite(bits)],
        *(rng.normal(size=3000) * 10.0 ** rng.integers(-30, 30, 3000)),
        *rng.integers(0, 2**62, 99),
    ]
    forms = ("{:.17g}", "{:.9g}", "{:g}", "{:.3f}", "{:+.6e}", "{:.0f}")
    words = [forms[int(n)].format(value) for n, value in zip(rng.integers(0, 6, len(values)), values, strict=True)]
    words += ["0", "-0", ".5", "5.", "1E5", "00012", "1e-0", "9007199254740993", "123456789012345678901234567890"]
    section = Section(who="some.seq", title="[RF]", number="", line=1, body="")
    np.testing.assert_array_equal(numbers(section, " \t\n".join(words), np.array([1])), [float(word) for word in words])


@pytest.mark.parametrize("word", ["", ".", "-", "+", "e5", "1e", "1e+", "1.2.3", "--1", "1-2", "inf", "nan", "1_0", "0x1", "٣"])
def test_what_is_no_number_is_none(word: str) -> None:
    with pytest.raises(FormatError, match="wanted a finite number"):
        parsed_number(Section(who="some.seq", title="[RF]", number="", line=1, body=""), 1, word)


def test_whole_numbers_are_written_as_python_writes_them() -> None:
    table = np.random.default_rng(0).integers(0, 10 ** np.arange(1, 19), size=(500, 18))
    assert lines_of(table).decode() == "".join(" ".join(map(str, row)) + "\n" for row in table.tolist())
    assert lines_of(np.zeros((0, 3), dtype=np.int64)) == b"" and lines_of(np.zeros((1, 2), dtype=np.int64)) == b"0 0\n"
