# TRUTHS of machines by name
# | what | truth |
# | `fullbore scanner list` | every preset and the designed machine, with field, bore, gradients and digest |
# | a name, and the folder it stands for | the same machine |
# | a sequence judged on the designed machine | the verdict names it |
# | the designed machine as the base of a change | only the changed part is another |
# | an unknown name | refused with all that there are |
from __future__ import annotations

import json
from pathlib import Path

import pytest

from fullbore.cli import design_system
from fullbore.cli.machines import machine, machine_names
from fullbore.cli.main import main
from fullbore.cli.system_brief import SHIPPED
from fullbore.clinical.machine_figures import MachineFigures, machine_figures
from fullbore.data import ScannerSpec, Subject
from fullbore.errors import UsageError
from fullbore.files import machine_digest, read_machine
from fullbore.hardware import designed_machines, presets


def test_all_machines_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scanner", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert tuple(told) == machine_names() and set(told) == {*presets(), SHIPPED}
    spec = machine(SHIPPED)
    row = told[SHIPPED]
    assert row["sha256"] == machine_digest(spec) and row["slew_T_per_m_s"] == spec.limits.slew_T_per_m_s
    assert (row["b0_T"], row["bore_diameter_m"], row["channels"]) == (3.0, 0.75, 16)
    assert main(["scanner", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(told) and "3 T, 75 cm, 45 mT/m at 200 T/m/s" in lines[-1]


def test_a_name_is_its_folder() -> None:
    assert machine_digest(machine(SHIPPED)) == machine_digest(machine(str(designed_machines()[SHIPPED])))
    with pytest.raises(UsageError, match=f"{SHIPPED}, or a folder"):
        machine("fullbore-90cm")


def test_a_sequence_is_judged_on_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sequence", "check", "spoiled_gre_3d", "--quick", "--scanner", SHIPPED, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["scanner"] == SHIPPED and record["allowed"]


def test_it_can_be_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def few(spec: ScannerSpec, subject: Subject, **_: object) -> MachineFigures:
        return machine_figures(spec, subject, names=("spoiled_gre_3d",))

    monkeypatch.setattr(design_system, "machine_figures", few)
    change = ["--base", SHIPPED, "--set", "spectrometer.name='other'", "--no-scan", "--out", str(tmp_path / "mine")]
    assert main(["design", "system", *change]) == 0
    made, base = read_machine(tmp_path / "mine"), machine(SHIPPED)
    assert made.name == f"{SHIPPED}-changed" and made.limits == base.limits
    assert (made.receive.sensitivity.values == base.receive.sensitivity.values).all()
    assert not (designed_machines()[SHIPPED] / "kept").exists()
