# TRUTHS of tissue: T2* <= T2 <= T1 | 1/T2* = 1/T2 + 1/T2' | PD in 0..1 | WM < GM < CSF in T1, T2, PD
# | fat shifted, water not | each has a source
import pytest

from fullbore.physics.tissue import TISSUES


@pytest.mark.parametrize("name", TISSUES)
def test_times_are_ordered_and_consistent(name):
    tissue = TISSUES[name]
    assert 0 < tissue.t2_star_s < tissue.t2_s <= tissue.t1_s
    assert tissue.t2_prime_s > 0
    assert 1 / tissue.t2_star_s == pytest.approx(1 / tissue.t2_s + 1 / tissue.t2_prime_s, rel=1e-12)
    assert 0 < tissue.proton_density <= 1
    assert len(tissue.source) > 10


def test_the_brain_is_ordered():
    white, grey, csf = (TISSUES[n] for n in ("white matter", "grey matter", "csf"))
    for field in ("t1_s", "t2_s", "proton_density"):
        assert getattr(white, field) < getattr(grey, field) < getattr(csf, field)


def test_only_fatty_tissue_is_shifted():
    assert {name for name, tissue in TISSUES.items() if tissue.chemical_shift_ppm != 0} == {"fat", "marrow"}
