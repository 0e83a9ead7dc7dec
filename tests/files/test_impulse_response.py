"""Files of measured gradient impulse responses."""

# TRUTHS of response files: what is written is read, to the last bit | a table and an archive tell the same | each axis by itself,
#   and gradients without the uniform field, are filled with zeros | two-sided spectra are folded | broken files by name

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fullbore.data import GradientImpulseResponse
from fullbore.errors import FormatError, ValueRangeError
from fullbore.files import read_impulse_response, write_impulse_response

F = np.linspace(0, 20e3, 41)
H = np.random.default_rng(0).normal(size=(4, 3, 41)) + 1j * np.random.default_rng(1).normal(size=(4, 3, 41))


def test_written_is_read(tmp_path):
    path = write_impulse_response(GradientImpulseResponse(frequency_Hz=F, response=H), tmp_path / "girf.npz")
    again = read_impulse_response(path)
    assert_array_equal(again.frequency_Hz, F)
    assert_array_equal(again.response, H)


@pytest.mark.parametrize("shape", ["3", "33"])
def test_what_is_left_out_is_zero(tmp_path, shape):
    given = H[:3] if shape == "33" else H[range(3), range(3)]
    np.savez(tmp_path / "girf.npz", frequency_Hz=F, response=given)
    wanted = np.zeros_like(H)
    if shape == "33":
        wanted[:3] = H[:3]
    else:
        wanted[range(3), range(3)] = given
    assert_array_equal(read_impulse_response(tmp_path / "girf.npz").response, wanted)


def table(path, names, columns):
    rows = [",".join(names), *(",".join(map(repr, map(float, row))) for row in np.stack(columns, 1))]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_a_table_tells_the_same(tmp_path):
    pairs = [(c, a) for c in range(4) for a in range(3)]
    names = ["frequency_Hz", *(f"{'xyz0'[c]}{'xyz'[a]}_{part}" for c, a in pairs for part in ("re", "im"))]
    columns = [F, *(part for c, a in pairs for part in (H[c, a].real, H[c, a].imag))]
    assert_array_equal(read_impulse_response(table(tmp_path / "girf.csv", names, columns)).response, H)
    with pytest.raises(FormatError, match="zz_re is missing"):
        read_impulse_response(table(tmp_path / "axis.csv", [n for n in names if n != "zz_re"], columns[:-1]))
    with pytest.raises(FormatError, match="column qq_re is unknown"):
        read_impulse_response(table(tmp_path / "strange.csv", [*names, "qq_re"], [*columns, F]))


def test_two_sided_spectra_are_folded(tmp_path):
    H[..., 0].imag = 0
    both = np.concatenate([H[..., :0:-1].conj(), H], axis=-1)
    np.savez(tmp_path / "girf.npz", frequency_Hz=np.concatenate([-F[:0:-1], F]), response=both)
    assert_array_equal(read_impulse_response(tmp_path / "girf.npz").response, H)
    np.savez(tmp_path / "odd.npz", frequency_Hz=np.concatenate([-F[:0:-1], F]), response=both + 1j)
    with pytest.raises(FormatError, match="conjugate"):
        read_impulse_response(tmp_path / "odd.npz")


def test_broken_files_are_refused_by_name(tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        read_impulse_response(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(FormatError, match=r"text.npz: not a .npz"):
        read_impulse_response(tmp_path / "text.npz")
    np.savez(tmp_path / "other.npz", f=F, h=H)
    with pytest.raises(FormatError, match="wanted frequency_Hz and response"):
        read_impulse_response(tmp_path / "other.npz")
    np.savez(tmp_path / "two.npz", frequency_Hz=F, response=H[:2, :2])
    with pytest.raises(FormatError, match="each axis by itself"):
        read_impulse_response(tmp_path / "two.npz")
    np.savez(tmp_path / "nan.npz", frequency_Hz=F, response=H * np.nan)
    with pytest.raises(ValueRangeError, match="NaN"):
        read_impulse_response(tmp_path / "nan.npz")
    (tmp_path / "words.csv").write_text("frequency_Hz,xx_re\n1,two\n")
    with pytest.raises(FormatError, match="not a table of numbers"):
        read_impulse_response(tmp_path / "words.csv")
