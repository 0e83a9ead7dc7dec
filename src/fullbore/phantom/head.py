"""The digital head."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from fullbore.data import Grid, Phantom, Species, Tissue
from fullbore.phantom.anatomy import hull_distance, paint_head
from fullbore.phantom.atlas import CROP_MM, Atlas, load_atlas
from fullbore.phantom.brain import brain_mask, sharpen
from fullbore.phantom.field import shimmed_field
from fullbore.phantom.paint import paint_layers
from fullbore.physics.tissue import TISSUES

# The MNI152 brain is larger than the heads it was made from (its intracranial volume of 1.9 l against 1.5 l in adults):
# one atlas millimetre is 0.93 mm here.
ATLAS_SCALE = 0.93

# The point of the atlas, in atlas LPS millimetres from the anterior commissure, that is put at the isocentre: the middle
# of the brain's box.
ISOCENTRE_MM = (0.0, 17.0, 5.0)

# Extent of the phantom in atlas LPS millimetres, both ends included; all even, so that a 2 mm lattice fits.
_EXTENT_MM = {"x": (-92, 92), "y": (-104, 126), "z": (-130, 100)}
_COARSE_MM = 2

# Tissues whose signal is fat's.
FATTY = ("fat", "marrow")
_DEFORMATION_MM = 2.0


def head(seed: int = 0, fat: tuple[tuple[float, float], ...] = ()) -> Phantom:
    """A whole head: the MNI152 brain, made crisp, in a modelled skull, scalp, face and neck.

    Brain: see `sharpen`; surroundings: see `anatomy`. Voxels are 0.93 mm (one atlas millimetre, `ATLAS_SCALE`). The head lies
    straight and supine; the isocentre is the middle of the brain, which puts the anterior commissure at
    (0, -15.8, -4.7) mm LPS, 15.8 mm in front of and 4.7 mm below the isocentre. The neck ends at z = -126 mm; its field is
    computed as if it went on.
    seed: 0 is the atlas as it is; any other bends the brain smoothly by about 2 mm and changes skull and fat texture.
    fat: lines of fat and marrow, (ppm from water, amplitude), as `physics.tissue.FAT_SPECTRUM`; without any, the main peak
    at -3.4 ppm alone, which spares an exam a sixth of its time.
    Tissues: white matter, grey matter, csf, cortical bone, marrow, fat, muscle (skin too); the rest of a voxel is air.
    Field: of the susceptibility of all this, shimmed to second order over the brain.
    Errors: FormatError when nilearn's copy of the atlas is missing.
    """
    names = tuple(TISSUES)
    generator = np.random.default_rng(seed)
    atlas = load_atlas()
    if seed != 0:
        atlas = _deform(atlas, generator)
    fractions = _paint_surroundings(brain_mask(atlas), names, generator)
    _insert_brain(fractions, sharpen(atlas), names)
    grid = _grid(fractions.shape[1:])
    tissues = tuple(_tissue(name, fat) for name in names)
    field = shimmed_field(fractions, tissues, grid, [names.index("white matter"), names.index("grey matter")])
    return Phantom(name=f"head, seed {seed}", tissues=tissues, fractions=fractions, grid=grid, field_ppm=field)


def _tissue(name: str, fat: tuple[tuple[float, float], ...]) -> Tissue:
    values = TISSUES[name]
    lines = fat_species(fat) if name in FATTY and fat else ()
    return Tissue(
        name=name,
        t1_s=values.t1_s,
        t2_s=values.t2_s,
        t2_prime_s=values.t2_prime_s,
        proton_density=values.proton_density,
        chemical_shift_ppm=0.0 if lines else values.chemical_shift_ppm,
        susceptibility_ppm=values.susceptibility_ppm,
        diffusivity_m2_per_s=values.diffusivity_m2_per_s,
        species=lines,
        source=values.source,
    )


def fat_species(spectrum: tuple[tuple[float, float], ...]) -> tuple[Species, ...]:
    """Lines (ppm from water, amplitude) as species, whose fractions sum to 1."""
    total = sum(amplitude for _, amplitude in spectrum)
    return tuple(Species(shift_ppm=ppm, fraction=amplitude / total) for ppm, amplitude in spectrum)


def _grid(shape: tuple[int, ...]) -> Grid:
    affine = np.diag([ATLAS_SCALE, ATLAS_SCALE, ATLAS_SCALE, 1.0])
    affine[:3, 3] = [ATLAS_SCALE * (_EXTENT_MM[name][0] - ISOCENTRE_MM[i]) for i, name in enumerate("xyz")]
    affine[:3] *= 1e-3
    return Grid(shape=(shape[0], shape[1], shape[2]), affine_m=affine)


def _deform(atlas: Atlas, generator: np.random.Generator) -> Atlas:
    """Bend the brain by a smooth displacement of about `_DEFORMATION_MM` root mean square per axis (sigma 25 mm)."""
    shape = atlas.grey.shape
    coarse = tuple(n // 8 + 2 for n in shape)
    index = np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in shape), indexing="ij"))
    for axis in range(3):
        noise = gaussian_filter(generator.standard_normal(coarse), 3.0)
        noise *= _DEFORMATION_MM / noise.std()
        index[axis] += _upsample(noise.astype(np.float32), shape, 8)
    return Atlas(*(map_coordinates(volume, index, order=1, output=np.float32) for volume in atlas))


def _upsample(values: np.ndarray, shape: tuple[int, ...], factor: int) -> np.ndarray:
    for axis, size in enumerate(shape):
        position = np.arange(size) / factor
        below = position.astype(int)
        share = (position - below).astype(values.dtype)
        share = share.reshape([-1 if i == axis else 1 for i in range(3)])
        values = values.take(below, axis) * (1 - share) + values.take(below + 1, axis) * share
    return values


def _paint_surroundings(mask: np.ndarray, names: tuple[str, ...], generator: np.random.Generator) -> np.ndarray:
    axes = [np.arange(_EXTENT_MM[n][0], _EXTENT_MM[n][1] + 1, _COARSE_MM, dtype=np.float32) for n in "zyx"]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    coarse = np.zeros(x.shape, bool)
    window = tuple(
        slice((CROP_MM[n][0] - _EXTENT_MM[n][0]) // _COARSE_MM, (CROP_MM[n][1] - _EXTENT_MM[n][0]) // _COARSE_MM + 1)
        for n in "zyx"
    )
    coarse[window] = mask[::_COARSE_MM, ::_COARSE_MM, ::_COARSE_MM]
    texture = gaussian_filter(generator.standard_normal(x.shape, dtype=np.float32), 2.5)
    layers = paint_head(np.stack([x, y, z], axis=-1), hull_distance(coarse, _COARSE_MM), texture / texture.std())
    distances = np.stack([layer.distance.astype(np.float32) for layer in layers])
    index = np.array([names.index(layer.tissue) if layer.tissue else -1 for layer in layers])
    return np.asarray(paint_layers(distances, index, len(names), 1.0))


def _insert_brain(fractions: np.ndarray, brain: np.ndarray, names: tuple[str, ...]) -> None:
    """Put the brain over what was painted there (in place)."""
    window = tuple(slice(CROP_MM[n][0] - _EXTENT_MM[n][0], CROP_MM[n][1] - _EXTENT_MM[n][0] + 1) for n in "zyx")
    outside = 1 - np.minimum(brain.sum(axis=0), 1)
    for values in fractions:
        values[window] *= outside
    for name, share in zip(("white matter", "grey matter", "csf"), brain, strict=True):
        fractions[names.index(name)][window] += share
