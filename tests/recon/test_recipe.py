"""Recipes: written down, read back, hashed, chosen."""

# TRUTHS of recipes: to_dict and from_dict are inverse | the hash knows every number | an unknown key, kind or value raises
#   | defaults: full -> combination, regular 2D -> direct SENSE, random -> l1-wavelet

from dataclasses import replace

import pytest

from fullbore.errors import UsageError
from fullbore.recon import Combination, ConjugateGradient, Direct, Espirit, ProximalGradient, Recipe, Wavelet, default_recipe
from tests.recon.measured import array_of, encoding_of, geometry_of, measure, regular_lines

RECIPES = [
    Recipe(),
    Recipe(solver=Direct(damping=1e-3), virtual_coils=4),
    Recipe(solver=ConjugateGradient(), coils=Espirit(kernel=4), noise_map="none"),
    Recipe(solver=ProximalGradient(iterations=7), prior=Wavelet(name="db2")),
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_round_trip(recipe):
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert Recipe.from_dict(recipe.to_dict()).digest() == recipe.digest()


def test_hash_knows_every_number():
    recipe = RECIPES[3]
    others = [replace(recipe, virtual_coils=5), replace(recipe, prior=replace(recipe.prior, weight=0.31))]
    assert len({recipe.digest(), *(other.digest() for other in others)}) == 3


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ({"colis": {}}, "unknown key 'colis'"),
        ({"solver": {"kind": "Magic"}}, "got 'Magic'"),
        ({"coils": {"kernal": 5}}, "unknown key 'kernal'"),
        ({"solver": {"kind": "ProximalGradient"}}, "a prior"),
        ({"virtual_coils": 0}, "virtual_coils > 0"),
        ({"coils": {"rank_cut": 2.0}}, "fractions"),
    ],
)
def test_bad_tables(table, match):
    with pytest.raises(UsageError, match=match):
        Recipe.from_dict(table)


@pytest.mark.parametrize(
    ("lines", "solver"),
    [
        (range(48), Combination),
        (range(8, 48), Combination),
        (regular_lines(48, 2, 16), Direct),
        (regular_lines(48, 3, 12), Direct),
        ([3, 8, 11, *range(16, 32), 35, 36, 41, 46], ProximalGradient),
    ],
)
def test_default(lines, solver):
    raw = measure(encoding_of(geometry_of((32, 48, 1)), list(lines)), array_of(4, 2))
    assert isinstance(default_recipe(raw).solver, solver)
