# TRUTHS of wave-CAIPI: the image of waves is the object's, where it is, off centre, too | at R = 3 x 3 waves carry less noise
#   into the image than straight lines on the same lattice | the file's trajectory does as well as the Encoding's curves | every
#   view's waves are undone | refusals name fields

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fullbore.clinical.library import sequence_protocol
from fullbore.data import Grid, Phantom, RawData, ScannerSpec, Sequence
from fullbore.errors import LimitError
from fullbore.files import read_mrd, write_mrd
from fullbore.physics.constants import GYROMAGNETIC_RATIO_HZ_PER_T
from fullbore.recon import Cartesian, ConjugateGradient, Espirit, Recipe, Wave, default_recipe, reconstruct
from fullbore.sequence import build, parse_protocol
from fullbore.sequence.gradients import raster_up
from fullbore.simulate import acquire
from tests.sequence.reference import moment, pulse_times
from tests.simulate.small import field, machine, tissue

SMALL = {"fov": ["192 mm", "192 mm", "144 mm"], "matrix": [16, 20, 16], "bandwidth": "300 Hz/px", "readout_oversampling": 3}


def sequence(spec: ScannerSpec, **changes: object) -> Sequence:
    table = sequence_protocol("wave_gre_3d")
    table["quick"] = {**table["quick"], **changes}
    return build(parse_protocol(table, quick=True), spec.limits)


def grooved_ball() -> Phantom:
    """A ball of 14 cm with grooves, 12 mm cells."""
    grid = Grid.centred((12, 14, 14), (12e-3,) * 3, (0.0, 0.0, 0.0))
    x, y, z = np.moveaxis(grid.points_m(), -1, 0)
    inside = np.sqrt(x**2 + y**2 + z**2) < 70e-3
    share = inside * (0.6 + 0.4 * np.sin(x / 12e-3) * np.cos(y / 15e-3) * np.cos(z / 20e-3))
    flat = field(centre=(0.0, 0.0, 0.0))
    return Phantom(name="ball", tissues=(tissue(),), fractions=share[None].astype(np.float32), grid=grid, field_ppm=flat)


def blob(centre: tuple[float, float, float]) -> Phantom:
    """A Gaussian of 14 mm, which the rim of k-space does not cut: waves measure more on one side of it and less on the other."""
    grid = Grid.centred((9, 9, 9), (10e-3,) * 3, centre)
    share = gaussian(grid.points_m(), centre)[None].astype(np.float32)
    return Phantom(name="blob", tissues=(tissue(),), fractions=share, grid=grid, field_ppm=field(centre=centre))


def gaussian(points_m: np.ndarray, centre: tuple[float, float, float], variance_m2: float = 14e-3**2) -> np.ndarray:
    return np.exp(-((points_m - centre) ** 2).sum(axis=-1) / (2 * variance_m2))


@pytest.mark.parametrize("centre", [(0.0, 0.0, 0.0), (0.016, -0.008, 0.012)])
def test_the_image_is_the_object(centre: tuple[float, float, float], tmp_path: Path) -> None:
    spec = machine(b1=False, coils=False)
    shift = (centre[0] + 0.01, centre[1] - 0.02, centre[2] + 0.01)
    changes = {**SMALL, "acceleration": [1, 1], "caipi_shift": 0, "centre": [f"{1e3 * x} mm" for x in centre]}
    raw = acquire(blob(shift), sequence(spec, **changes), spec)
    assert isinstance(default_recipe(raw).encoding, Wave)
    image = reconstruct(raw)
    # the phantom is linear between its points, 10 mm apart, which adds a sixth of their distance squared to the variance
    wanted = gaussian(image.grid.points_m(), shift, 14e-3**2 + 10e-3**2 / 6)
    got = np.abs(image.values).reshape(wanted.shape)
    # what the phantom's corners have beyond the rim of k-space
    assert error(got, wanted) < 0.01
    straight = np.abs(reconstruct(acquire(blob(shift), sequence(spec, **changes, wave_amplitude="0 mT/m"), spec)).values)
    # The Gaussian is 1e-2 of its peak where the wave ends k-space three steps early.
    assert error(got, straight.reshape(got.shape)) < 0.005
    write_mrd(raw, tmp_path / "wave.h5")
    again = read_mrd(tmp_path / "wave.h5")
    assert isinstance(default_recipe(again).encoding, Wave)
    assert error(np.abs(reconstruct(again).values).reshape(got.shape), got) < 1e-4


def error(got: np.ndarray, wanted: np.ndarray) -> float:
    """Least of |a got - wanted| over |wanted|."""
    scale = np.vdot(got, wanted) / np.vdot(got, got)
    return float(np.linalg.norm(scale * got - wanted) / np.linalg.norm(wanted))


def noise_inside(raw: RawData, encoding: Wave | Cartesian, level: float) -> float:
    """Standard deviation that noise of a level in every sample has in the image of the object."""
    rng = np.random.default_rng(0)
    added = level * (rng.normal(size=raw.samples.shape) + 1j * rng.normal(size=raw.samples.shape))
    solver = ConjugateGradient(iterations=40, tolerance=1e-6)
    recipe = Recipe(encoding=encoding, coils=Espirit(kernel=5, grid=40), solver=solver)
    noisy = replace(raw, samples=(raw.samples + added).astype(np.complex64))
    clean, other = (reconstruct(data, recipe).values for data in (raw, noisy))
    inside = np.abs(clean) > 0.3 * np.abs(clean).max()
    return float(np.std((other - clean)[inside]))


@pytest.mark.slow
def test_waves_carry_less_noise() -> None:
    spec = machine(b1=False)
    waving, straight = (
        acquire(grooved_ball(), sequence(spec, **SMALL, wave_amplitude=amplitude), spec) for amplitude in ("4 mT/m", "0 mT/m")
    )
    assert np.array_equal(waving.encoding.counters, straight.encoding.counters)
    level = 0.02 * float(np.abs(straight.samples).mean())
    ratio = noise_inside(waving, Wave(), level) / noise_inside(straight, Cartesian(), level)
    assert ratio < 0.5


def test_waves_are_undone() -> None:
    played = sequence(machine())
    frame = played.encoding.geometry
    times, uses = pulse_times(played)
    k = np.stack([moment(played, axis, times[uses == "e"]) for axis in range(3)], axis=1)
    net = np.diff(k, axis=0)
    assert np.abs(net @ np.stack([frame.phase, frame.slice], axis=1)).max() < 1e-6
    assert np.ptp(net @ frame.read) < 1e-6
    assert (net @ frame.read).min() > 1200


def test_course_is_a_helix_of_the_amplitude_asked() -> None:
    encoding = sequence(machine()).encoding
    course = encoding.curves[0][:, 1:]
    length = raster_up((encoding.samples + 1) * encoding.dwell_s, 20e-6)
    radius = GYROMAGNETIC_RATIO_HZ_PER_T * 3e-3 * length / (2 * np.pi * 5)
    # corners on the raster, 10 us of a cycle of 1 ms: (2 pi / 100)^2 / 12 less, and samples between them
    assert np.hypot(*course.T) == pytest.approx(radius, rel=2e-3)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"wave_amplitude": "70 mT/m"}, "wave_amplitude"),
        ({"wave_cycles": 200}, "wave_cycles"),
        ({"caipi_shift": 5}, "caipi_shift"),
        ({"echo_time": "1 ms"}, "echo_time"),
        ({"repetition_time": "5 ms"}, "repetition_time"),
        ({"bandwidth": "90000 Hz/px"}, "bandwidth"),
    ],
)
def test_refusals_name_the_field(changes: dict[str, object], named: str) -> None:
    with pytest.raises(LimitError, match=f"{named}: got") as caught:
        sequence(machine(), **changes)
    assert "no legal value" not in str(caught.value)
