"""Off-resonance in the encoding, on k-space that is a plain sum over many turning points of the head."""

# TRUTHS of off-resonance: without a field, the same bytes | points on the image's grid come back, however trains are ordered
#   | an echo-planar head is put right to nearly the error of one on resonance, a spiral head too, where nothing is done it is
#   far worse | a uniform field is a shift undone | the phase left is that at the echo time | the times of rows come from echo
#   times, the header's or the recipe's spacing, or are asked for | a refocused train has no time between rows | both blips
#   together are better than either, and find field and image between themselves | echoes find their own field, through the
#   displacement that it makes | maps, units, grids and recipes that do not fit are refused

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from fullbore.data import FieldMap, Grid
from fullbore.errors import DataError, LimitError, UsageError, ValueRangeError
from fullbore.recon import Combination, ConjugateGradient, Direct, NonUniform, Recipe, default_recipe, reconstruct
from fullbore.recon.blip_pair import reconstruct_pair, with_lines_reversed
from fullbore.recon.encodings.sample_times import place_in_train, row_times_s
from fullbore.recon.recipe import EpiPhase, Grappa, OffResonance
from fullbore.recon.recipe.text import from_toml, to_toml
from tests.recon import turning
from tests.recon.measured import FOV, array_of, encoding_of, full_lines, geometry_of, measure
from tests.recon.trajectories import spirals
from tests.recon.turning import curves, field_map, frames_of, gaussian_field, head_density, train

MATRIX, ECHO_S, SPACING_S = (48, 44, 1), 0.016, 0.6e-3
FEW = Recipe(solver=ConjugateGradient(iterations=6, damping=1e-3))
MANY = Recipe(solver=ConjugateGradient(iterations=100, tolerance=1e-6))


def silent(points):
    return 0 * points[..., 0]


def mild(points):
    return gaussian_field(points, 40)


def strong(points):
    return gaussian_field(points, 150, 400)


@cache
def scan(field, coils=2, **changes):
    changes = {name: list(value) if isinstance(value, tuple) else value for name, value in changes.items()}
    return train(MATRIX, array_of(coils, 2), field, spacing=SPACING_S, fine=3, **changes)


@cache
def spiral(field, echo_s=0.002):
    """Four arms of 14 ms: the strong field turns by two cycles more here than there."""
    return curves(spirals(4, MATRIX, 8, 900), MATRIX, array_of(2, 2), field, dwell=16e-6, echo_s=echo_s, fine=3)


def error(image, reference, frame=None):
    values = image.values if frame is None else image.values[frame]
    return np.linalg.norm(np.abs(values) - np.abs(reference.values)) / np.linalg.norm(reference.values)


def truth():
    """The head itself, the mean over each voxel, of norm 1."""
    step = (np.arange(8) - 3.5) / 8
    x, y = (((np.arange(n) - n // 2)[:, None] + step).reshape(-1) * f / n for n, f in zip(MATRIX[:2], FOV, strict=False))
    image = head_density(x, y[:, None]).reshape(MATRIX[1], 8, MATRIX[0], 8).mean((1, 3))
    return image / np.linalg.norm(image)


def off_truth(image):
    """Distance from the head, coil weighting divided out, over its norm."""
    points = image.grid.points_m()
    seen = np.sqrt((np.abs(array_of(2, 2).maps(points)) ** 2).sum(0))
    values = np.abs(image.values[0]) / seen[0]
    wanted = truth()
    values = values * np.vdot(wanted, values) / np.vdot(values, values)
    return np.linalg.norm(values - wanted)


@pytest.mark.parametrize("raw", [lambda: scan(gaussian_field), lambda: spiral(strong)])
def test_no_field_changes_no_byte(raw):
    recipe = replace(default_recipe(raw()), solver=FEW.solver)
    plain, none = reconstruct(raw(), recipe), reconstruct(raw(), recipe, field_Hz=field_map(silent))
    assert plain.values.tobytes() == none.values.tobytes()


@pytest.mark.parametrize("order", [{}, {"sign": -1}, {"shots": 2}, {"shots": 3, "sign": -1}, {"tell": "spacing"}])
def test_points_on_the_grid_come_back(order, monkeypatch):
    """A smooth blob made of the voxels' own centres: nothing but the model's error is left."""
    grid = geometry_of(MATRIX).grid()
    points = grid.points_m().reshape(-1, 3)
    weights = np.exp(-(((points[:, :2] / 0.06) ** 2).sum(1) ** 2))
    monkeypatch.setattr(turning, "head_points", lambda matrix, fine: (points, weights))
    measured = [train(MATRIX, array_of(1, 2), field, **order) for field in (silent, mild)]
    reference = reconstruct(measured[0], Recipe())
    field = FieldMap(values=mild(grid.points_m())[None], grid=grid, unit="Hz")
    image = reconstruct(measured[1], replace(MANY, off_resonance=OffResonance(error=1e-4)), field_Hz=field)
    assert error(reconstruct(measured[1], MANY), reference) > 0.025
    assert error(image, reference) < 1e-3
    # The image is as at the echo time.
    turned = reference.values * np.exp(-2j * np.pi * field.values[0] * ECHO_S)
    assert np.linalg.norm(image.values - turned) < 1e-3 * np.linalg.norm(turned)
    assert image.report["field_error"] <= 1e-4 and image.report["field_terms"] < 14


@pytest.mark.parametrize("sign", [1, -1])
def test_an_echo_planar_head_is_put_right(sign):
    reference = reconstruct(scan(silent), FEW)
    raw, field = scan(gaussian_field, sign=sign), field_map(gaussian_field)
    before, after = reconstruct(raw, FEW), reconstruct(raw, FEW, field_Hz=field)
    # Edges ring differently where voxels are stretched: they are what is left.
    assert error(after, reference) < 0.05 < 0.2 < error(before, reference)
    assert off_truth(after) < 1.1 * off_truth(reference) < 0.4 * off_truth(before)


def test_a_spiral_head_is_put_right():
    recipe = replace(default_recipe(spiral(silent)), noise_map="none")
    assert isinstance(recipe.encoding, NonUniform)
    reference = reconstruct(spiral(silent), recipe)
    before, after = reconstruct(spiral(strong), recipe), reconstruct(spiral(strong), recipe, field_Hz=field_map(strong))
    assert error(after, reference) < 0.05 < 0.2 < error(before, reference)
    assert off_truth(after) < 1.1 * off_truth(reference) < 0.7 * off_truth(before)
    # One step back in time already helps: the conjugate-phase image.
    gridding = replace(recipe, solver=Combination())
    quick = reconstruct(spiral(strong), gridding, field_Hz=field_map(strong))
    assert off_truth(after) < off_truth(quick) < 0.9 * off_truth(reconstruct(spiral(strong), gridding))


def test_a_uniform_field_is_a_shift_undone():
    even = lambda points: 40 + 0 * points[..., 0]  # noqa: E731
    reference = reconstruct(scan(silent), FEW)
    image = reconstruct(scan(even), FEW, field_Hz=field_map(even))
    # 40 Hz are 1.1 voxels here. Coil maps of the displaced image are brought back by interpolation.
    assert error(image, reference) < 0.01 < 0.15 < error(reconstruct(scan(even), FEW), reference)
    assert image.report["field_terms"] == 1


def test_undersampled_trains():
    """Every second line: half of the displacement, and folding on top."""
    lines = tuple(range(0, 44, 2))
    array = array_of(6, 2)
    centre = measure(encoding_of(geometry_of(MATRIX), np.arange(44)), array)
    flags = centre.encoding.flags | np.uint64(1 << 19)
    central = replace(centre, encoding=replace(centre.encoding, flags=flags))

    def joined(raw):
        parts = frames_of([raw, central])
        return replace(parts, encoding=replace(parts.encoding, counters=parts.encoding.counters * (np.arange(9) != 3)))

    reference, raw = (joined(scan(field, 6, lines=lines)) for field in (silent, gaussian_field))
    recipe = Recipe(solver=ConjugateGradient(iterations=20, damping=1e-3))
    wanted = reconstruct(reference, recipe)
    before, after = reconstruct(raw, recipe), reconstruct(raw, recipe, field_Hz=field_map(gaussian_field))
    assert error(after, wanted) < 0.05 < 0.1 < error(before, wanted)


def test_both_blips_together_are_better():
    """Where one presses voxels together the other pulls them apart."""
    one, other = scan(strong), scan(strong, sign=-1)
    both = frames_of([one, other])
    counters = both.encoding.counters.copy()
    counters[:, 8], counters[:, 3] = counters[:, 3], 0
    both = replace(both, encoding=replace(both.encoding, counters=counters))
    field = field_map(strong)
    joint = off_truth(reconstruct(both, FEW, field_Hz=field))
    assert joint < 0.9 * min(off_truth(reconstruct(raw, FEW, field_Hz=field)) for raw in (one, other))


def test_a_pair_finds_its_field_and_one_image():
    """Also when something else than the field puts a phase between the two."""
    one, other = scan(gaussian_field), scan(gaussian_field, sign=-1)
    pair = reconstruct_pair(one, replace(other, samples=other.samples * np.complex64(np.exp(1.3j))))
    reference = reconstruct(scan(silent), FEW)
    assert error(pair.image, reference) < 0.06 < 0.2 < error(reconstruct(one, FEW), reference)
    assert off_truth(pair.image) < 1.25 * off_truth(reference)
    assert max(pair.misfit) < 0.06
    off = (pair.field.values[0] - gaussian_field(pair.field.grid.points_m()))[0]
    # Known to a tenth of a voxel where there is signal; one is 38 Hz.
    assert np.sqrt(np.mean(off[truth() > 0.3 * truth().max()] ** 2)) < 4
    with pytest.raises(DataError, match="with_lines_reversed"):
        reconstruct_pair(one, one)
    with pytest.raises(DataError, match="one frame"):
        reconstruct_pair(frames_of([one, one]), frames_of([other, other]))
    # A file that numbers its lines as they came.
    counters = other.encoding.counters.copy()
    counters[:, 0] = (MATRIX[1] - counters[:, 0]) % MATRIX[1]
    counted = replace(other, trajectory_per_m=None, encoding=replace(other.encoding, counters=counters))
    assert np.array_equal(with_lines_reversed(counted).encoding.counter("line"), other.encoding.counter("line"))


@pytest.mark.parametrize("kind", ["lines", "curves"])
def test_echoes_find_their_own_field(kind):
    if kind == "lines":
        reference, recipe = reconstruct(scan(silent), FEW), FEW
        raw, field = frames_of([scan(gaussian_field, echo_s=t) for t in (0.016, 0.019)]), gaussian_field
    else:
        recipe = replace(default_recipe(spiral(silent)), noise_map="none")
        reference = reconstruct(spiral(silent), recipe)
        raw, field = frames_of([spiral(gaussian_field, echo_s=t) for t in (0.002, 0.005)]), gaussian_field
    known = error(reconstruct(raw, recipe, field_Hz=field_map(field)), reference, 0)
    found = reconstruct(raw, replace(recipe, off_resonance=OffResonance(source="echoes")))
    assert max(error(found, reference, frame) for frame in (0, 1)) < 2.5 * known
    assert error(found, reference, 0) < 0.4 * error(reconstruct(raw, recipe), reference, 0)


def test_the_times_of_rows():
    raw = scan(gaussian_field, shots=2)
    expected = np.tile(np.arange(22), 2)
    assert np.array_equal(place_in_train(raw), expected)
    assert np.ptp(row_times_s(raw) - expected * SPACING_S) < 1e-12
    told = scan(gaussian_field, shots=2, tell="spacing")
    assert np.allclose(row_times_s(told), expected * SPACING_S)
    assert np.allclose(row_times_s(told, 0.5e-3), expected * 0.5e-3)
    with pytest.raises(DataError, match=r"off_resonance\.echo_spacing_s"):
        row_times_s(scan(gaussian_field, shots=2, tell=""))
    plain = measure(encoding_of(geometry_of((16, 12, 10)), *full_lines((16, 12, 10))), array_of(1))
    assert not row_times_s(plain).any()
    # Turbo spin echoes are in phase at each of their echoes, whenever that is.
    late = replace(plain, encoding=replace(plain.encoding, echo_time_s=0.01 * (1 + np.arange(120) % 10.0)))
    assert np.ptp(row_times_s(late)) > 0.05
    assert not row_times_s(replace(late, encoding=replace(late.encoding, refocusing_flip_rad=3.1))).any()


def test_a_gradient_echo_is_shifted_along_the_readout():
    """Rows are all alike in time, samples are not; in a slab as in a slice."""
    matrix, off = (32, 12, 10), 500.0
    raw = measure(encoding_of(geometry_of(matrix), *full_lines(matrix)), array_of(1))
    turn = np.exp(-2j * np.pi * off * (np.arange(32) - 16) * raw.encoding.dwell_s).astype(np.complex64)
    turned = replace(raw, samples=raw.samples * turn)
    grid = Grid.centred((10, 12, 32), (0.0075, 0.02, 0.02))
    image = reconstruct(turned, FEW, field_Hz=FieldMap(values=np.full((1, *grid.shape), off), grid=grid, unit="Hz"))
    assert error(image, reconstruct(raw, FEW)) < 1e-3
    assert error(reconstruct(turned, FEW), reconstruct(raw, FEW)) > 0.05


def test_a_default_recipe_is_made_fit():
    raw, field = scan(gaussian_field), field_map(gaussian_field)
    image = reconstruct(raw, field_Hz=field)
    assert image.report["solver"] == "ConjugateGradient"
    assert error(image, reconstruct(scan(silent), FEW)) < 0.05


def test_recipes_hold_it():
    recipe = Recipe(solver=ConjugateGradient(), off_resonance=OffResonance(source="echoes", echo_spacing_s=5e-4))
    assert from_toml(to_toml(recipe)) == recipe
    with pytest.raises(UsageError, match="error"):
        OffResonance(error=0.0)
    three = replace(FEW, off_resonance=OffResonance(segments=3))
    capped = reconstruct(scan(gaussian_field), three, field_Hz=field_map(gaussian_field))
    assert capped.report["field_terms"] == 3 and capped.report["field_error"] > 0.01


def test_refusals():
    raw, field = scan(gaussian_field), field_map(gaussian_field)
    with pytest.raises(UsageError, match="wanted one real map in 'Hz'"):
        reconstruct(raw, FEW, field_Hz=replace(field, unit="ppm"))
    with pytest.raises(UsageError, match="wanted one real map in 'Hz'"):
        reconstruct(raw, FEW, field_Hz=replace(field, values=field.values + 0j))
    with pytest.raises(ValueRangeError, match="NaN"):
        replace(field, values=np.where(field.values > 50, np.nan, field.values))
    with pytest.raises(LimitError, match="in Hz"):
        reconstruct(raw, FEW, field_Hz=replace(field, values=1e3 * field.values))
    affine = field.grid.affine_m.copy()
    affine[0, 3] += 1.0
    with pytest.raises(DataError, match="covers 0 %"):
        reconstruct(raw, FEW, field_Hz=replace(field, grid=Grid(shape=field.grid.shape, affine_m=affine)))
    with pytest.raises(UsageError, match="no field map"):
        reconstruct(raw, replace(FEW, off_resonance=OffResonance()))
    with pytest.raises(DataError, match="needs two"):
        reconstruct(raw, replace(FEW, off_resonance=OffResonance(source="echoes")))
    with pytest.raises(UsageError, match="Direct"):
        reconstruct(raw, Recipe(solver=Direct()), field_Hz=field)
    with pytest.raises(UsageError, match="completion"):
        reconstruct(raw, Recipe(completion=Grappa(), readout_phase=EpiPhase()), field_Hz=field)
    with pytest.raises(DataError, match="replicas"):
        reconstruct(raw, replace(FEW, noise_map="replica"), field_Hz=field)
    with pytest.raises(DataError, match="echo_spacing_s"):
        reconstruct(scan(gaussian_field, shots=2, tell=""), FEW, field_Hz=field)
