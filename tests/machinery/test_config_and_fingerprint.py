# TRUTHS of config and fingerprints: a TOML tree comes back | a missing or broken file is one sentence | a digest ignores key
# order and sees every change
from pathlib import Path

import pytest

from fullbore.errors import UsageError
from fullbore.machinery import digest, file_digest, read_toml


def test_a_tree_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[protocol]\nname = "x"\nfov = ["1 mm", "2 mm"]\n')
    assert read_toml(path) == {"protocol": {"name": "x", "fov": ["1 mm", "2 mm"]}}


@pytest.mark.parametrize("content", ["[protocol\n", b"\xff\xfe\x00"])
def test_a_broken_file_is_named(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(UsageError, match=r"broken\.toml"):
        read_toml(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.toml: no such file"):
        read_toml(tmp_path / "nowhere.toml")


def test_a_digest_sees_values_not_order(tmp_path: Path) -> None:
    assert digest({"a": 1, "b": [2, 3]}) == digest({"b": [2, 3], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    (tmp_path / "f").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1: SHA-256 of "abc".
    assert file_digest(tmp_path / "f") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
