# TRUTHS of atomic_path: the name appears whole | a failed or interrupted block leaves nothing and keeps the old file |
# an unwritable folder is one sentence | the temporary name keeps the suffix, .nii.gz too
from __future__ import annotations

from pathlib import Path

import pytest

from fullbore.errors import OutputError
from fullbore.files.atomic import atomic_path


def test_the_name_appears_when_the_block_ends(tmp_path: Path) -> None:
    final = tmp_path / "a.bin"
    with atomic_path(final) as temporary:
        temporary.write_bytes(b"whole")
        assert not final.exists()
    assert final.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [final]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_block_keeps_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    final = tmp_path / "a.bin"
    final.write_bytes(b"old")
    with pytest.raises(error), atomic_path(final) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert final.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [final]


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"a\.bin: could not be written \(No such file or directory\)\."),
        atomic_path(tmp_path / "no" / "a.bin") as temporary,
    ):
        temporary.write_bytes(b"x")


def test_the_disk_is_full_is_one_sentence() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with (
        pytest.raises(OutputError, match="No space left"),
        atomic_path("/tmp/never.bin"),
        Path("/dev/full").open("wb", 0) as full,
    ):
        full.write(b"x")
    assert not Path("/tmp/never.bin").exists()


@pytest.mark.parametrize(("name", "suffix"), [("a.nii.gz", ".nii.gz"), ("a.b.h5", ".h5"), ("x.1.5.seq", ".seq")])
def test_the_suffix_stays(tmp_path: Path, name: str, suffix: str) -> None:
    with atomic_path(tmp_path / name) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.name.endswith(f".part{suffix}")
        temporary.touch()
