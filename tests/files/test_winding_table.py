# TRUTHS of winding tables: written and read back, a magnet is the same to a nanometre | current densities stand for turns
# | foreign columns do not matter | what is no coil, no number, no file is refused with its line
import pytest

from fullbore.data import Magnet, Winding
from fullbore.errors import FormatError
from fullbore.files.winding_table import read_windings, write_windings

PLACE = {"inner_radius_m": 0.5, "outer_radius_m": 0.548, "length_m": 0.24}
HEAD = "inner_radius_m,outer_radius_m,centre_m,length_m"
MAGNET = Magnet(
    name="windings",
    b0_T=3.0,
    current_A=501.234567,
    windings=(
        Winding(name="primary 1", turns=3000.0, layers=30, centre_m=-0.1234567891, **PLACE),
        Winding(name="shield 1", turns=-520.0, layers=13, centre_m=0.5, wire="shield", **PLACE),
    ),
    source="windings.csv",
)


def test_round_trip(tmp_path):
    write_windings(MAGNET, tmp_path / "windings.csv")
    again = read_windings(tmp_path / "windings.csv")
    assert again.current_A == MAGNET.current_A
    for one, two in zip(MAGNET.windings, again.windings, strict=True):
        assert (one.name, one.turns, one.layers, one.wire) == (two.name, two.turns, two.layers, two.wire)
        assert two.centre_m == pytest.approx(one.centre_m, abs=1e-9)
    assert "100,3000" in (tmp_path / "windings.csv").read_text()


def test_densities(tmp_path):
    (tmp_path / "paper.csv").write_text(
        "inner_radius_m,outer_radius_m,centre_m,length_m,current_density_A_per_m2,colour\n0.5,0.6,0.1,0.2,1.5e8,red\n"
    )
    magnet = read_windings(tmp_path / "paper.csv")
    assert magnet.sections()[0] == pytest.approx([0.5, 0.6, 0.0, 0.2, 1.5e8])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no rows"),
        (
            HEAD + ",turns,current_A\n0.5,0.6,0.1,wide,10,5\n",
            "line 2, length_m: got 'wide'",
        ),
        ("inner_radius_m,outer_radius_m,centre_m,turns,current_A\n0.5,0.6,0.1,10,5\n", "length_m: got None"),
        (HEAD + "\n0.5,0.6,0.1,0.2\n", "current_density_A_per_m2"),
        (HEAD + ",turns,current_A\n0.7,0.6,0.1,0.2,10,5\n", "line 2: Winding"),
    ],
)
def test_broken_tables_are_refused(tmp_path, text, words):
    (tmp_path / "broken.csv").write_text(text)
    with pytest.raises(FormatError, match=words):
        read_windings(tmp_path / "broken.csv")


def test_an_absent_table_is_refused(tmp_path):
    with pytest.raises(FormatError, match="cannot be read"):
        read_windings(tmp_path / "absent.csv")
