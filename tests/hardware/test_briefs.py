# TRUTHS of briefs, of every part: every preset is read | a key that is misspelt, missing, of another unit, negative, infinite or
# no quantity ends in one sentence that says whose brief, which key, what was got and what is wanted | a preset that is not there
# is answered with those that are | values are SI, and keys are names less their units
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Any

import pytest
from pydantic import Field

from fullbore.errors import UsageError
from fullbore.hardware.array.brief import parse_array_brief
from fullbore.hardware.briefs import preset_names, preset_table, quantity, read_brief, strict
from fullbore.hardware.full_wave.brief import parse_transmit_brief
from fullbore.hardware.gradient.brief import parse_gradient_brief
from fullbore.hardware.magnet.brief import parse_magnet_brief
from fullbore.hardware.power_amplifier.brief import parse_amplifier_brief
from fullbore.hardware.rf.brief import parse_birdcage_brief
from fullbore.hardware.spectrometer.brief import parse_spectrometer_brief

# package -> how its briefs are called, their reader, and the path of a length, time or field that every one of them has
PARTS: dict[str, tuple[str, Callable[[dict[str, Any], str], Any], str]] = {
    "magnet": ("magnet", parse_magnet_brief, "stray.radius"),
    "gradient": ("gradient", parse_gradient_brief, "x.primary_radius"),
    "power_amplifier": ("amplifier", parse_amplifier_brief, "coil.primary_radius"),
    "rf": ("birdcage", parse_birdcage_brief, "coil.radius"),
    "full_wave": ("transmit", parse_transmit_brief, "coil.radius"),
    "array": ("array", parse_array_brief, "body.sphere_radius"),
    "spectrometer": ("spectrometer", parse_spectrometer_brief, "clock.jitter"),
}
WRONG = ["-1 m", "1e400 m", "nan m", "3 parsec", "3", 3.0, True, [], {}]


def table(package: str) -> dict[str, Any]:
    name = preset_names(f"fullbore.hardware.{package}")[0]
    return preset_table(f"fullbore.hardware.{package}", name, "preset")


@pytest.mark.parametrize("package", PARTS)
def test_every_preset_is_read(package):
    what, parse, _ = PARTS[package]
    for name in preset_names(f"fullbore.hardware.{package}"):
        assert parse(preset_table(f"fullbore.hardware.{package}", name, what), name).name


@pytest.mark.parametrize("package", PARTS)
@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_wrong_quantity_is_named(package, value):
    what, parse, path = PARTS[package]
    section, key = path.split(".")
    wrong = table(package)
    wrong[section][key] = value
    with pytest.raises(UsageError, match=rf"{what} brief mine, {section}[., :].*{key.split('_')[-1]}.*\.$") as said:
        parse(wrong, "mine")
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("package", PARTS)
def test_misspelt_and_missing_keys_are_named(package):
    what, parse, path = PARTS[package]
    section, key = path.split(".")
    wrong = table(package)
    wrong[section][f"{key}s"] = wrong[section].pop(key)
    with pytest.raises(UsageError, match=rf"^{what} brief mine.*unknown key .*{key}s; .*{key}"):
        parse(wrong, "mine")
    del wrong[section][f"{key}s"]
    with pytest.raises(UsageError, match=rf"^{what} brief mine.*{key} is missing. Add the key.$"):
        parse(wrong, "mine")
    with pytest.raises(UsageError, match=f"^{what} brief mine.*unknown key zebra; wanted name, source, "):
        parse({**table(package), "zebra": 1}, "mine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    __pydantic_config__ = strict("m T_per_m")
    reach_m: Annotated[float, quantity("length"), Field(gt=0)]
    steep_T_per_m: Annotated[float, quantity("gradient")] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    __pydantic_config__ = strict("m")
    stages: tuple[Stage, ...]
    last: Stage | None = None


def test_values_are_si_and_keys_say_no_unit():
    made = read_brief(Chain, tomllib.loads('stages = [{reach = "2 cm", steep = "30 mT/m"}]'), "chain")
    assert made.stages[0] == Stage(reach_m=0.02, steep_T_per_m=0.03)
    assert made.last is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'stages = [{reach = "2 cm"}, {reach = "2 s"}]',
            "chain, stages.1.reach: unknown unit 's' of length; wanted one of m, cm",
        ),
        ('stages = [{reech = "2 cm"}]', "chain: unknown key stages.0.reech; did you mean reach?"),
        ('stages = []\nlast = {reach = "2 cm", steepness = 1}', "chain: unknown key last.steepness; did you mean steep?"),
        ('stages = []\nlast = {reach_m = "2 cm"}', "chain: unknown key last.reach_m; did you mean reach?"),
        ("stages = 3", "chain, stages: got 3, input should be a valid tuple."),
    ],
)
def test_the_place_of_what_is_wrong_is_told(text, said):
    with pytest.raises(UsageError) as error:
        read_brief(Chain, tomllib.loads(text), "chain")
    assert str(error.value).startswith(said)


@pytest.mark.parametrize("package", PARTS)
def test_an_unknown_preset_is_answered_with_those_there_are(package):
    home = f"fullbore.hardware.{package}"
    files = sorted(item.name for item in (resources.files(home) / "presets").iterdir())
    assert [f"{name}.toml" for name in preset_names(home)] == files
    with pytest.raises(UsageError, match=f"preset '../x': unknown; wanted one of {', '.join(preset_names(home))}."):
        preset_table(home, "../x", "preset")
