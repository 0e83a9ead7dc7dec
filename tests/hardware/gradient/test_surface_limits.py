# TRUTHS of limits on a drawn coil's wire: inductance and resistance under what the free wire has are kept, with all others |
# an inductance that no sheet has is refused, and the nearest that is named can be kept | a resistance that no turns have is
# missed and said, the torque of the main field kept all the same
import pytest

from fullbore.errors import LimitError
from fullbore.hardware.gradient.surface_brief import parse_surface_brief
from fullbore.hardware.gradient.surface_coil import design_on_surfaces
from fullbore.hardware.gradient.triangles import cylinder_surface

TUBE = cylinder_surface(0.3, 0.9, 20, 16)


def figures(**limits):
    table = {
        "axis": "y", "surface": "tube", "edge": "12 cm", "modes": 60, "volume": {"radius": "12 cm", "half_length": "10 cm"},
        "drive": {"amplitude": "20 mT/m", "current": "200 A"}, "limits": {"linearity": "8 %", "torque": "1 Nm", **limits},
    }  # fmt: skip
    return design_on_surfaces(parse_surface_brief(table, "tube"), TUBE).figures


def test_inductance_and_resistance():
    free = figures()
    inductance, resistance = 0.99 * free["inductance_H"], 0.98 * free["resistance_ohm"]
    f = figures(inductance=f"{1e6 * inductance:.6f} uH", resistance=f"{1e3 * resistance:.6f} mohm")
    assert f["inductance_H"] <= inductance and f["resistance_ohm"] <= resistance
    assert f["linearity_percent"] <= 8 and f["net_torque_Nm"] <= 1 and f["amplitude_T_per_m"] >= 0.02
    # least energy at this amplitude is the free one's; what it asks less is what it was above the amplitude
    assert f["energy_J"] == pytest.approx(free["energy_J"], rel=0.02)


def test_what_no_turns_have():
    free = figures()
    with pytest.raises(LimitError, match="binding: inductance") as refusal:
        figures(inductance=f"{0.9e6 * free['inductance_H']:.6f} uH")
    wider = float(str(refusal.value).split("Allow ")[1].split(" times")[0])
    wanted = 0.9 * wider * free["inductance_H"]
    assert figures(inductance=f"{1e6 * wanted:.6f} uH")["inductance_H"] <= wanted
    less = figures(resistance=f"{0.9e3 * free['resistance_ohm']:.6f} mohm")
    assert 0.9 * free["resistance_ohm"] < less["resistance_ohm"] < 0.98 * free["resistance_ohm"]
    assert less["net_torque_Nm"] <= 1
