# TRUTHS of parts joined to a machine
# | what | truth |
# | no parts | the preset itself: the same digest |
# | an array, a birdcage, a spectrometer | fill receive, transmit and power, the receiver; all else stays |
# | a magnet | its own field, in ppm, in the flaws |
# | what coils and amplifiers reach | L dI/dt + R I = V at the amplitude: twice the inductance, half the slew |
# | other coils on the same amplifiers (slow) | the chain is theirs; wires displace points by what their field says |
# | coils and amplifiers designed together (slow) | reach what was asked; eddy currents leave under 0.1 % |

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fullbore import hardware
from fullbore.data import GradientChain, Magnet, ScannerSpec, Winding
from fullbore.errors import LimitError
from fullbore.files import machine_digest
from fullbore.hardware import Parts, with_parts
from fullbore.hardware.array import load_array_brief
from fullbore.hardware.gradient import load_gradient_brief
from fullbore.hardware.magnet import field_ppm
from fullbore.hardware.power_amplifier.brief import load_amplifier_brief
from fullbore.hardware.rf import load_birdcage_brief
from fullbore.hardware.spectrometer import load_spectrometer_brief
from fullbore.hardware.system import FIELD_GRID, reached


@pytest.fixture(scope="module")
def machine() -> ScannerSpec:
    return hardware.design(hardware.Brief(preset="fullbore-75cm"))


def same_but(one: ScannerSpec, other: ScannerSpec, *names: str) -> bool:
    """Whether two machines differ in nothing but the fields named."""
    return machine_digest(replace(other, **{name: getattr(one, name) for name in names})) == machine_digest(one)


def test_no_parts_change_nothing(machine: ScannerSpec) -> None:
    assert machine_digest(with_parts(machine, Parts())) == machine_digest(machine)
    assert Parts().given == ()


def test_an_array(machine: ScannerSpec) -> None:
    made = with_parts(machine, Parts(receive=load_array_brief("head", 8)))
    assert made.receive.coils == 8 and same_but(machine, made, "receive")


def test_a_birdcage(machine: ScannerSpec) -> None:
    told: list[float] = []
    brief = hardware.Brief(preset="fullbore-75cm", parts=Parts(transmit=load_birdcage_brief("75cm")))
    made = hardware.design(brief, lambda share, what: told.append(share))
    assert same_but(machine, made, "transmit", "power", "limits", "flaws")
    assert made.flaws.rf_amplifier is not None
    # all the power that the amplifier gives makes the peak field
    assert made.power.forward_W_per_T2 * made.limits.b1_peak_T**2 == pytest.approx(made.power.peak_W, rel=1e-6)
    assert replace(made.limits, b1_peak_T=machine.limits.b1_peak_T) == machine.limits
    assert told == sorted(told) and told[-1] == 1.0


def test_a_spectrometer(machine: ScannerSpec) -> None:
    made = with_parts(machine, Parts(spectrometer=load_spectrometer_brief("3t")))
    assert made.flaws.receiver is not None and same_but(machine, made, "flaws")


def test_a_magnet(machine: ScannerSpec) -> None:
    pair = tuple(
        Winding(name=str(z), inner_radius_m=0.9, outer_radius_m=0.92, centre_m=z, length_m=0.02, turns=1000.0)
        for z in (-0.4, 0.5)
    )
    magnet = Magnet(name="pair", b0_T=3.0, current_A=100.0, windings=pair, source="test")
    made = with_parts(machine, Parts(magnet=magnet))
    assert made.flaws.field_ppm is not None and same_but(machine, made, "flaws")
    np.testing.assert_array_equal(made.flaws.field_ppm.values, field_ppm(magnet, FIELD_GRID).values)


def test_what_is_reached(machine: ScannerSpec) -> None:
    chain = machine.chain
    assert isinstance(chain, GradientChain)
    gradient, slew = reached(chain, 0.03)
    assert gradient == 0.03
    for axis in range(3):
        current, rise = gradient / chain.sensitivity_T_per_m_A[axis], slew / chain.sensitivity_T_per_m_A[axis]
        volts = chain.inductance_H[axis] * rise + chain.resistance_ohm[axis] * current
        assert volts <= chain.voltage_V[axis] * (1 + 1e-12)
    heavy = replace(chain, inductance_H=tuple(2 * value for value in chain.inductance_H))
    assert reached(heavy, 0.03) == pytest.approx((0.03, slew / 2), rel=1e-12)
    most = min(i * s for i, s in zip(chain.current_A, chain.sensitivity_T_per_m_A, strict=True))
    assert reached(chain, 10.0)[0] == most
    with pytest.raises(LimitError, match="resistance"):
        reached(replace(chain, resistance_ohm=(100.0,) * 3), 0.03)


@pytest.mark.slow
def test_other_coils_on_the_same_amplifiers(machine: ScannerSpec) -> None:
    made = with_parts(machine, Parts(gradient=load_gradient_brief("75cm")))
    assert made.chain is not None and machine.chain is not None
    assert made.chain.voltage_V == machine.chain.voltage_V and made.chain.inductance_H != machine.chain.inductance_H
    assert (made.limits.gradient_T_per_m, made.limits.slew_T_per_m_s) == reached(made.chain, 0.045)
    fields = made.flaws.gradient_fields_m
    assert fields is not None and same_but(machine, made, "chain", "limits", "flaws", "stimulation")
    # 20 T/s over the lengths: whole-body coils are felt at some 60 T/m/s, y first
    x, y, z = (20 / length for length in made.stimulation.effective_length_m)
    assert 40 < y < x < z < 110 and made.stimulation.rheobase_T_per_s == machine.stimulation.rheobase_T_per_s
    points = FIELD_GRID.points_m()
    ball = np.linalg.norm(points, axis=-1) < 0.2
    # the brief's linearity is 5 % of the gradient times 22.5 cm
    assert np.abs(np.moveaxis(fields.values, 0, -1) - points)[ball].max() < 0.05 * 0.225
    with pytest.raises(LimitError, match="amplifier brief"):
        with_parts(replace(machine, chain=None), Parts(gradient=load_gradient_brief("75cm")))


@pytest.mark.slow
def test_coils_and_amplifiers_together(machine: ScannerSpec) -> None:
    made = with_parts(machine, Parts(gradient=load_gradient_brief("75cm"), amplifier=load_amplifier_brief("4MVA")))
    assert made.limits.gradient_T_per_m >= 0.045 * (1 - 1e-6) and made.limits.slew_T_per_m_s >= 200 * (1 - 1e-6)
    assert made.sound is not None and made.chain is not None and "as wound" in made.chain.source
    response = made.flaws.response
    assert response is not None
    slow = [mode for mode in response.modes if 1e-3 < mode.time_constant_s < np.inf]  # the loops' own are faster
    assert np.abs(sum(mode.amplitude for mode in slow)).max() < 1e-3
