"""Recipes as TOML, by name, with reasons."""

# TRUTHS of recipe files: TOML and recipe are inverse, whatever the recipe | whole numbers become fractions where those are
#   meant, the hash with them | an unknown key, a wrong type or broken TOML is refused by name | every recipe that comes along
#   reads, says what it is for, and is found by its name only | settings change one value, or begin a part anew
#   | every default has a reason

import numpy as np
import pytest

from fullbore.errors import UsageError
from fullbore.recon import ConjugateGradient, Espirit, NlInv, ProximalGradient, Recipe, Walsh, Wavelet
from fullbore.recon.default_recipe import explained_recipe
from fullbore.recon.library import named_recipe, recipe_names
from fullbore.recon.recipe.text import from_toml, to_toml, with_settings
from tests.recon.measured import array_of, encoding_of, full_lines, geometry_of, measure, regular_lines

RECIPES = [
    Recipe(),
    Recipe(coils=Walsh(patch=2), solver=ConjugateGradient(tolerance=1e-7), virtual_coils=4),
    Recipe(coils=NlInv(smoothness=1 / 3), noise_map="replica", replicas=9),
    Recipe(solver=ProximalGradient(), prior=Wavelet(name="db2", floor=0.0)),
]


@pytest.mark.parametrize("recipe", [*RECIPES, *map(named_recipe, recipe_names())])
def test_toml_and_recipe_are_inverse(recipe):
    again = from_toml(to_toml(recipe, {"coils": "because", "virtual_coils": "because"}))
    assert again == recipe
    assert again.digest() == recipe.digest()


def test_whole_numbers_become_fractions():
    text = to_toml(RECIPES[3])
    one, other = (from_toml(text.replace("weight = 0.8", f"weight = {number}")) for number in ("1", "1.0"))
    assert one.prior.weight == 1
    assert one == other
    assert one.digest() == other.digest()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("solver = {kind", "not TOML"),
        ("nois_map = 'none'", "unknown key 'nois_map'"),
        ("[coils]\nkernle = 5", "unknown key 'kernle'"),
        ("[coils]\nkernel = 'five'", "kernel: got 'five'"),
        ("[coils]\nkernel = 5.5", "kernel: got 5.5"),
        ("[coils]\nkind = 'Sorcery'", "wanted one of Espirit, Walsh, NlInv"),
        ("coils = 3", "wanted a table"),
        ("noise_map = 'exact'", "noise_map"),
        ("virtual_coils = 'many'", "whole number"),
        ("replicas = 1", "replicas > 1"),
    ],
)
def test_what_is_refused(text, match):
    with pytest.raises(UsageError, match=match):
        from_toml(text)


def test_recipes_by_name():
    known = recipe_names()
    assert {"sense", "cg-sense", "l1-wavelet", "soft-sense", "combination"} <= set(known)
    assert all(purpose[0].isupper() and purpose.endswith(".") for purpose in known.values())
    assert named_recipe("soft-sense").coils.maps == 2
    for name in ("magic", "../recipes/sense", "sense.toml"):
        with pytest.raises(UsageError, match="unknown name"):
            named_recipe(name)


def test_settings():
    recipe = with_settings(Recipe(), ["noise_map=replica", "coils.kernel=5", "virtual_coils=6"])
    assert recipe == Recipe(noise_map="replica", coils=Espirit(kernel=5), virtual_coils=6)
    changed = with_settings(recipe, ["coils.patch=1", "coils.kind=Walsh", "virtual_coils=none"])
    assert changed == Recipe(noise_map="replica", coils=Walsh(patch=1))
    sparse = named_recipe("l1-wavelet")
    assert with_settings(sparse, ["prior=none", "solver.kind=ConjugateGradient"]) == named_recipe("cg-sense")
    assert with_settings(sparse, ["prior.weight=2"]).prior == Wavelet(weight=2.0)


@pytest.mark.parametrize(
    ("setting", "match"),
    [("kernel", "KEY=VALUE"), ("prior.weight=2", "no prior"), ("coils.x=2", "'x'"), ("a.b.c=1", "KEY=VALUE")],
)
def test_settings_that_are_refused(setting, match):
    with pytest.raises(UsageError, match=match):
        with_settings(Recipe(), [setting])


@pytest.mark.parametrize("matrix", [(32, 48, 1), (16, 24, 16)])
def test_every_default_has_a_reason(matrix):
    line, partition = full_lines(matrix) if matrix[2] > 1 else (regular_lines(48, 2, 16), 0)
    keep = np.random.default_rng(0).random(len(line)) < 0.5 if matrix[2] > 1 else np.ones(len(line), bool)
    keep |= (np.abs(line - 12) < 6) & (np.abs(partition - 8) < 6)
    raw = measure(encoding_of(geometry_of(matrix), line[keep], partition[keep] if matrix[2] > 1 else 0), array_of(4))
    recipe, why = explained_recipe(raw)
    assert {"coils", "solver", "noise_map"} <= set(why)
    assert ("prior" in why) == (recipe.prior is not None)
    assert from_toml(to_toml(recipe, why)) == recipe
    assert all(reason in to_toml(recipe, why) for reason in why.values())
