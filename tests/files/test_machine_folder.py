# TRUTHS of a machine's folder
# | what | truth |
# | a machine written and read | equal in every number, name and array: the same digest |
# | every preset, and a machine with every flaw | as above |
# | any change of a value or of an array | another digest |
# | a table edited by hand | is what was written into it |
# | a file that is missing, cut short, of a later format, with unknown keys or wrong kinds | a sentence that names the key |

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fullbore import hardware
from fullbore.data import EddyMode, FieldMap, Flaws, GradientResponse, Grid, Receiver, RfAmplifier, ScannerSpec
from fullbore.errors import FormatError
from fullbore.files import machine_digest, read_machine, write_machine


@pytest.fixture(scope="module")
def flawed() -> ScannerSpec:
    rng = np.random.default_rng(0)
    grid = Grid.centred((3, 4, 5), (0.01, 0.02, 0.03))
    ringing = EddyMode(time_constant_s=0.1, amplitude=rng.normal(size=(4, 3)), frequency_Hz=700.0, sine=rng.normal(size=(4, 3)))
    droop = GradientResponse.droop(0.5, 0.1)
    flaws = Flaws(
        field_ppm=FieldMap(values=rng.normal(size=(1, 3, 4, 5)), grid=grid, unit="ppm"),
        drift_Hz_per_s=0.1,
        gradient_fields_m=FieldMap(values=rng.normal(size=(3, 3, 4, 5)).astype(np.float32), grid=grid, unit="m"),
        response=GradientResponse(delay_s=(1e-6, 2e-6, 3e-6), modes=(ringing, *droop.modes)),
        concomitant=True,
        rf_amplifier=RfAmplifier(peak_T=20e-6, compression=(-0.1 + 0.02j, 0.01), droop_per_s=3.0),
        receiver=Receiver(filter=np.hanning(9), bits=16, full_scale=1e-9, jitter_s=1e-12),
    )
    return replace(hardware.design(hardware.Brief()), flaws=flaws)


@pytest.mark.parametrize("preset", hardware.presets())
def test_presets_come_back(preset: str, tmp_path: Path) -> None:
    spec = hardware.design(hardware.Brief(preset=preset))
    assert write_machine(spec, tmp_path) == machine_digest(spec) == machine_digest(read_machine(tmp_path))


def test_a_machine_with_every_flaw_comes_back(flawed: ScannerSpec, tmp_path: Path) -> None:
    sha = write_machine(flawed, tmp_path)
    found = read_machine(tmp_path)
    assert machine_digest(found) == sha
    assert found.flaws.rf_amplifier == flawed.flaws.rf_amplifier
    assert found.flaws.response is not None and found.flaws.response.modes[1].time_constant_s == np.inf
    assert found.receive.sensitivity.values.dtype == flawed.receive.sensitivity.values.dtype
    assert sha in (tmp_path / "machine.toml").read_text()


def test_every_change_is_another_machine(flawed: ScannerSpec) -> None:
    field = flawed.flaws.field_ppm
    assert field is not None
    values = field.values.copy()
    values[0, 1, 1, 1] += 1e-12
    others = [
        replace(flawed, name="another"),
        replace(flawed, limits=replace(flawed.limits, slew_T_per_m_s=flawed.limits.slew_T_per_m_s + 1e-9)),
        replace(flawed, flaws=replace(flawed.flaws, field_ppm=replace(field, values=values))),
        replace(flawed, sound=None),
    ]
    digests = {machine_digest(spec) for spec in [flawed, *others]}
    assert len(digests) == 1 + len(others)


def test_a_table_edited_by_hand(flawed: ScannerSpec, tmp_path: Path) -> None:
    write_machine(flawed, tmp_path)
    table = tmp_path / "machine.toml"
    old = f"slew_T_per_m_s = {flawed.limits.slew_T_per_m_s!r}"
    assert old in table.read_text()
    table.write_text(table.read_text().replace(old, "slew_T_per_m_s = 123"))
    assert read_machine(tmp_path).limits.slew_T_per_m_s == 123.0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format = 1", "format = 2", "format"),
        ("[limits]", "[limit]", "unknown key limit"),
        ("slew_T_per_m_s = ", "slow = ", "unknown key slow"),
        ("slew_T_per_m_s = ", "# ", "slew_T_per_m_s is missing"),
        ("slew_T_per_m_s = ", 'slew_T_per_m_s = "fast" # ', "wanted float"),
        ("slew_T_per_m_s = ", "slew_T_per_m_s = -", "positive"),
        ("effective_length_m = [", "effective_length_m = [1.0, ", "wanted 3"),
        ('values = "@', 'values = "@no', "name of an array"),
        ("[limits]", "[limits", "not TOML"),
    ],
)
def test_wrong_tables_end_in_a_sentence(flawed: ScannerSpec, tmp_path: Path, old: str, new: str, said: str) -> None:
    write_machine(flawed, tmp_path)
    table = tmp_path / "machine.toml"
    assert old in table.read_text()
    table.write_text(table.read_text().replace(old, new, 1))
    with pytest.raises(FormatError, match=said):
        read_machine(tmp_path)


def test_missing_and_broken_files(flawed: ScannerSpec, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be read"):
        read_machine(tmp_path / "nowhere")
    write_machine(flawed, tmp_path)
    whole = (tmp_path / "machine.npz").read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 30):
        (tmp_path / "machine.npz").write_bytes(whole[:cut])
        with pytest.raises(FormatError, match=r"machine\.npz"):
            read_machine(tmp_path)
    shutil.copy(tmp_path / "machine.toml", tmp_path / "machine.npz")
    with pytest.raises(FormatError, match=r"machine\.npz"):
        read_machine(tmp_path)
