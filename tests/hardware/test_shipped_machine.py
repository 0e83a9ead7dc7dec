# TRUTHS of the machine that Fullbore designed and ships
# | what | truth |
# | its folder | the digest in its table is that of its values; under 3 MB; its brief's name and base |
# | the brief's demands | 3 T, 75 cm, 45 mT/m at 200 T/m/s, which every axis has the amperes for; all flaws are there |
# | its magnet's field | that of the shipped winding table, which meets the magnet's brief |
# | designed anew from its brief (slow) | the same figures and maps, to the rounding of the maps and the solvers' tolerance |
from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from fullbore import hardware
from fullbore.cli.system_brief import SHIPPED, parts_of, system_brief
from fullbore.data import GradientChain, ScannerSpec
from fullbore.files import machine_digest, read_machine
from fullbore.files.winding_table import read_windings
from fullbore.hardware import designed_machines, with_parts
from fullbore.hardware.magnet import field_ppm
from fullbore.hardware.system import FIELD_GRID

FOLDER = designed_machines()[SHIPPED]
DIFFERS = """the shipped machine is no longer what its brief gives: run `fullbore design system --no-scan --out FOLDER`, then
`python scripts/ship_machine.py FOLDER`, and copy the windings of `fullbore design magnet` to magnet/designed"""


@pytest.fixture(scope="module")
def shipped() -> ScannerSpec:
    return read_machine(FOLDER)


def test_its_folder_is_whole_and_small(shipped: ScannerSpec) -> None:
    table = tomllib.loads((FOLDER / "machine.toml").read_text(encoding="utf-8"))
    assert table["sha256"] == machine_digest(shipped)
    assert sum(item.stat().st_size for item in FOLDER.iterdir()) < 3e6
    brief = system_brief(FOLDER / "brief.toml")
    assert brief.name == shipped.name == FOLDER.name and brief.base in hardware.presets()


def test_it_is_what_was_asked(shipped: ScannerSpec) -> None:
    assert (shipped.b0_T, shipped.bore_diameter_m, shipped.receive.coils) == (3.0, 0.75, 16)
    assert shipped.limits.gradient_T_per_m >= 0.045 and shipped.limits.slew_T_per_m_s >= 200.0
    assert isinstance(shipped.chain, GradientChain) and shipped.sound is not None
    most = [i * s for i, s in zip(shipped.chain.current_A, shipped.chain.sensitivity_T_per_m_A, strict=True)]
    assert min(most) >= shipped.limits.gradient_T_per_m
    flaws = shipped.flaws
    assert None not in (flaws.field_ppm, flaws.gradient_fields_m, flaws.response, flaws.rf_amplifier, flaws.receiver)


def test_its_field_is_that_of_the_shipped_windings(shipped: ScannerSpec) -> None:
    table = Path(str(resources.files("fullbore.hardware.magnet") / "designed" / "75cm.csv"))
    wound = field_ppm(read_windings(table), FIELD_GRID).values
    assert shipped.flaws.field_ppm is not None
    ball = np.linalg.norm(FIELD_GRID.points_m(), axis=-1) < 0.225
    assert np.abs(shipped.flaws.field_ppm.values - wound)[0, ball].max() < 0.01  # the table has nanometres


@pytest.fixture(scope="module")
def anew() -> ScannerSpec:
    """From the brief, all parts but the magnet, which is slow and has its own tests."""
    brief = system_brief(FOLDER / "brief.toml")
    tables = {part: table for part, table in brief.tables.items() if part != "magnet"}
    base = hardware.design(hardware.Brief(preset=brief.base))
    return with_parts(base, parts_of(tables, lambda share, what: None))


def _figures(spec: ScannerSpec) -> dict[str, float]:
    """What the parts fill, as single numbers; lists one by one."""
    chain, receiver, amplifier, sound = spec.chain, spec.flaws.receiver, spec.flaws.rf_amplifier, spec.sound
    assert chain is not None and receiver is not None and amplifier is not None and sound is not None
    lists = {
        "sensitivity": chain.sensitivity_T_per_m_A, "inductance": chain.inductance_H, "resistance": chain.resistance_ohm,
        "voltage": chain.voltage_V, "current": chain.current_A, "nerves": spec.stimulation.effective_length_m,
        "heat": [amperes for limit in chain.heat for amperes in limit.continuous_A],
        "bands": [value for band in sound.bands for value in (band.low_Hz, band.high_Hz)],
    }  # fmt: skip
    single = {
        "gradient": spec.limits.gradient_T_per_m, "slew": spec.limits.slew_T_per_m_s, "b1": spec.limits.b1_peak_T,
        "head": spec.power.head_W_per_kg_per_T2, "body": spec.power.whole_body_W_per_kg_per_T2,
        "forward": spec.power.forward_W_per_T2, "peak": amplifier.peak_T, "noise factor": receiver.noise_factor,
        "full scale": receiver.full_scale, "jitter": receiver.jitter_s, "pressure": sound.pressure_Pa_m_per_T,
        "ring": sound.ring_s,
    }  # fmt: skip
    return single | {f"{name} {number}": value for name, values in lists.items() for number, value in enumerate(values)}


def _step_answer(spec: ScannerSpec) -> np.ndarray:
    """What the response's modes take of a step, (time, 4, 3): modes of like time constants may share it otherwise."""
    assert spec.flaws.response is not None
    times = np.geomspace(1e-5, 0.5, 12)
    return sum(np.exp(-times / mode.time_constant_s)[:, None, None] * mode.amplitude for mode in spec.flaws.response.modes)


@pytest.mark.slow
def test_designed_anew_it_has_the_same_figures(shipped: ScannerSpec, anew: ScannerSpec) -> None:
    assert _figures(anew) == pytest.approx(_figures(shipped), rel=2e-3), DIFFERS
    assert np.abs(_step_answer(anew) - _step_answer(shipped)).max() < 1e-5, DIFFERS
    assert anew.flaws.receiver is not None and shipped.flaws.receiver is not None
    np.testing.assert_allclose(anew.flaws.receiver.filter, shipped.flaws.receiver.filter, atol=1e-9, err_msg=DIFFERS)


@pytest.mark.slow
def test_designed_anew_it_has_the_same_maps(shipped: ScannerSpec, anew: ScannerSpec) -> None:
    pairs = [(spec.flaws.gradient_fields_m, spec.transmit, spec.receive) for spec in (anew, shipped)]
    (bent, sent, heard), (bent_0, sent_0, heard_0) = pairs
    assert bent is not None and bent_0 is not None
    ball = np.linalg.norm(FIELD_GRID.points_m(), axis=-1) < 0.225
    assert np.abs(bent.values - bent_0.values)[:, ball].max() < 1e-5, DIFFERS  # m
    assert np.abs(sent.values - sent_0.values).max() < 1e-3, DIFFERS
    head = np.linalg.norm(heard.sensitivity.grid.points_m() / [0.076, 0.094, 0.088], axis=-1) < 1
    # the body is solved for to 1e-3
    assert np.abs(heard.sensitivity.values - heard_0.sensitivity.values)[:, head].max() < 3e-3, DIFFERS
    noise, scale = heard_0.noise_covariance, np.sqrt(np.diag(heard_0.noise_covariance).real)
    assert np.abs((heard.noise_covariance - noise) / np.outer(scale, scale)).max() < 3e-3, DIFFERS
