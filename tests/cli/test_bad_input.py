# TRUTHS of the command line under bad input: one sentence on stderr that names what is wrong | no traceback | the exit code of
# the kind of error | nothing written
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

USAGE, LIMIT, DATA = 2, 3, 4


def fullbore(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fullbore.cli.main", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> bool:
    """True for the exit code, every word, and no traceback."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert [word for word in words if word not in done.stderr] == [], done.stderr
    return True


def held(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scan", "knee"], ["unknown region 'knee'", "brain"]),
        (["scan", "brain", "--series", "t1_mprage,t9"], ["unknown series t9", "t2_tse"]),
        (["scan", "brain", "--seed", "-1"], ["--seed", "-1"]),
        (["scan", "brain", "--scanner", "nosuch"], ["nosuch", "fullbore-65cm"]),
        (["scan", "brain", "--protocol", "nowhere.toml"], ["nowhere.toml", "no such file"]),
        (["scan"], ["region"]),
        (["dance"], ["dance"]),
    ],
)
def test_usage(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    assert refused(fullbore(*arguments, cwd=tmp_path), USAGE, *words)
    assert list(tmp_path.iterdir()) == []


def protocol(tmp_path: Path, **changes: str) -> Path:
    from fullbore.clinical import exam_protocols

    table = exam_protocols("brain")["localizer"]["protocol"] | changes
    path = tmp_path / "mine.toml"
    path.write_text("[protocol]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items()))
    return path


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    path = protocol(tmp_path, repetition_tmie="5 ms")
    done = fullbore("scan", "brain", "--protocol", path, "--out", "o", cwd=tmp_path)
    assert refused(done, USAGE, "repetition_tmie", "repetition_time")
    assert json.loads((tmp_path / "o" / "exam.json").read_text())["status"] == "failed"
    assert not list((tmp_path / "o").rglob("*.seq"))


def test_an_unknown_unit_is_named(tmp_path: Path) -> None:
    path = protocol(tmp_path, echo_time="2 parsec")
    assert refused(fullbore("scan", "brain", "--protocol", path, "--out", "o", cwd=tmp_path), USAGE, "echo_time", "parsec")
    assert not list((tmp_path / "o").rglob("*.seq"))


def test_a_protocol_outside_the_limits_says_which_and_the_nearest_legal_value(tmp_path: Path) -> None:
    path = protocol(tmp_path, echo_time="0.2 ms")
    done = fullbore("scan", "brain", "--protocol", path, "--out", "o", cwd=tmp_path)
    assert refused(done, LIMIT, "echo")
    assert json.loads((tmp_path / "o" / "exam.json").read_text())["status"] == "failed"
    assert not list((tmp_path / "o").rglob("*.h5"))


def test_an_output_folder_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "precious.txt").write_text("mine")
    assert refused(fullbore("scan", "brain", "--out", "taken", cwd=tmp_path), USAGE, "taken", "exists already")
    assert (tmp_path / "taken" / "precious.txt").read_text() == "mine"


def test_an_output_folder_that_cannot_be_written(tmp_path: Path) -> None:
    assert refused(fullbore("scan", "brain", "--out", "/proc/exam", cwd=tmp_path), USAGE, "/proc/exam", "cannot be written")
    assert held(tmp_path) == []


def test_a_full_disk(tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", np.ones((2, 8, 8), np.complex64))
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from fullbore.cli.main import main\n"
        "import fullbore.cli.reconstructing\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))\n"
        "sys.exit(main(['recon', 'k.npy', '--out', 'o']))"
    )
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert refused(done, USAGE, "could not be written", "room")
    left = [path.name for path in (tmp_path / "o").iterdir()]
    assert "image.json" not in left and not [name for name in left if name.startswith(".")]


@pytest.mark.parametrize("name", ["a.h5", "a.dat", "a.npy", "a.cfl", "a.xyz"])
def test_foreign_bytes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(5000))
    assert refused(fullbore("recon", name, cwd=tmp_path), DATA, name)
    assert held(tmp_path) == [name]


@pytest.mark.parametrize("name", ["none.h5", "none.dat", "none.npy", "none.cfl"])
def test_missing_files(tmp_path: Path, name: str) -> None:
    assert refused(fullbore("recon", name, cwd=tmp_path), DATA, name)
    assert held(tmp_path) == []


def test_nan_in_raw_data(tmp_path: Path) -> None:
    kspace = np.ones((2, 16, 16), np.complex64)
    kspace[0, 3, 4] = np.nan
    np.save(tmp_path / "nan.npy", kspace)
    assert refused(fullbore("recon", "nan.npy", cwd=tmp_path), DATA, "NaN")
    assert held(tmp_path) == ["nan.npy"]


def test_repeat_of_a_folder_that_is_no_exam(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    assert refused(fullbore("repeat", "x", cwd=tmp_path), DATA, "exam.json")
    assert held(tmp_path) == ["x"]


def test_importing_the_package_imports_neither_torch_nor_the_command_line() -> None:
    code = "import sys, fullbore; sys.exit('torch' in sys.modules or 'fullbore.cli' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_errors_as_json(tmp_path: Path) -> None:
    done = fullbore("scan", "knee", "--json", cwd=tmp_path)
    assert json.loads(done.stdout) == {
        "status": "error",
        "exit_code": USAGE,
        "error": done.stderr.removeprefix("fullbore: ").strip(),
    }
