"""Whole reconstructions whose problem is carried to another device: a CUDA one where there is one, else one that is pretended."""

# TRUTHS of `reconstruct(device=...)`: image and noise map are those of the processor, to single precision, for every encoding,
#   prior and solver; nothing on the way mixes devices; what slices share is carried once | a device that is not there, any other
#   name, and too little memory there are refused

import sys
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
import torch

from fullbore.cli.main import main
from fullbore.errors import LimitError, UsageError
from fullbore.recon import reconstruct
from fullbore.recon.device import carrier, named_device
from fullbore.recon.library import named_recipe
from fullbore.recon.noise import replica
from fullbore.recon.recipe import Subspace
from fullbore.recon.recipe.text import with_settings
from fullbore.recon.solvers.solve import solve_volume
from tests.recon import test_motion, test_multiband, test_off_resonance, test_wave
from tests.recon.measured import array_of, encoding_of, full_lines, geometry_of, measure, regular_lines
from tests.recon.pretended import Pretended, pretended_device
from tests.recon.trajectories import kooshball, measure_along, spokes
from tests.recon.turning import field_map, gaussian_field

# Of the largest value. Sums are in another order, and thresholds and stops turn on them: iterations of single precision.
CLOSE = 5e-4


@cache
def lines(frames=1):
    chosen = regular_lines(40, 2, 16)
    encoding = encoding_of(geometry_of((32, 40, 1)), np.tile(chosen, frames), frame=np.repeat(np.arange(frames), len(chosen)))
    return measure(encoding, array_of(5, 2), noise=1e-8, frame_factor=np.exp(-0.4 * np.arange(frames)))


@cache
def slab():
    matrix = (24, 20, 16)
    line, partition = full_lines(matrix)
    kept = (abs(line - 10) < 5) & (abs(partition - 8) < 5) | ((line + partition) % 2 == 0)
    return measure(encoding_of(geometry_of(matrix), line[kept], partition[kept]), array_of(4), noise=1e-9)


@cache
def radial():
    return measure_along(spokes(24, (32, 32, 1)), (32, 32, 1), array_of(4, 2), noise=1e-8)


@cache
def ball():
    return measure_along(kooshball(150, (14, 14, 14)), (14, 14, 14), array_of(3), noise=1e-9)


def plain(made, recipe, *settings, frames=None):
    return lambda: (made() if frames is None else made(frames), with_settings(named_recipe(recipe), list(settings)), {})


def moving():
    _, raw, poses = test_motion.scan((32, 32, 1), test_motion.in_plane_poses(4, 0), coils=4)
    return raw, with_settings(named_recipe("l1-wavelet"), ["solver.iterations=4"]), {"poses": poses}


def turning(raw, recipe, *settings):
    return lambda: (
        raw(),
        with_settings(named_recipe(recipe), [*settings, "noise_map=none"]),
        {"field_Hz": field_map(gaussian_field)},
    )


def waving():
    keep = np.zeros((28, 32), bool)
    keep[::2, ::3] = keep[8:20, 10:22] = True
    return test_wave.scan(coils=3, keep=keep), with_settings(named_recipe("wave"), ["solver.iterations=4"]), {}


def simultaneous(recipe):
    lines = np.arange(0, 48, 2)
    return lambda: (test_multiband.scan(2, 2, 2, lines), with_settings(named_recipe(recipe), ["solver.iterations=5"]), {})


def courses():
    return lines(4), replace(named_recipe("cg-sense"), subspace=Subspace(size=1, courses=((1.0,), (0.7,), (0.4,), (0.3,)))), {}


CASES = {
    "combination": plain(lines, "combination"),
    "direct": plain(lines, "sense"),
    "least squares": plain(lines, "cg-sense"),
    "two maps": plain(lines, "soft-sense", "solver.iterations=8"),
    "replicas": plain(lines, "cg-sense-replica", "replicas=3", "solver.iterations=5"),
    "grappa": plain(lines, "grappa"),
    "spirit": plain(lines, "spirit"),
    "wavelet": plain(lines, "l1-wavelet", "solver.iterations=8"),
    "wavelet of a slab": plain(slab, "l1-wavelet", "solver.iterations=5"),
    "joint wavelet": plain(lines, "l1-wavelet-joint", "solver.iterations=5", frames=3),
    "variation": plain(lines, "total-variation", "solver.iterations=8"),
    "second order": plain(lines, "total-generalised-variation", "solver.iterations=8"),
    "in time": plain(lines, "temporal-total-variation", "solver.iterations=8", frames=3),
    "locally low rank": plain(lines, "locally-low-rank", "solver.iterations=5", frames=3),
    "low rank plus sparse": plain(lines, "low-rank-plus-sparse", "solver.iterations=5", frames=3),
    "subspace": courses,
    "gridding": plain(radial, "gridding"),
    "radial": plain(radial, "non-uniform-sense", "solver.iterations=6"),
    "radial wavelet": plain(radial, "l1-wavelet", "encoding.kind=NonUniform", "solver.iterations=5"),
    "ball": plain(ball, "non-uniform-sense", "solver.iterations=4"),
    "motion": moving,
    "turning lines": turning(lambda: test_off_resonance.scan(gaussian_field), "cg-sense", "solver.iterations=4"),
    "turning lines wavelet": turning(lambda: test_off_resonance.scan(gaussian_field), "l1-wavelet", "solver.iterations=3"),
    "turning curves": turning(lambda: test_off_resonance.spiral(gaussian_field), "non-uniform-sense", "solver.iterations=3"),
    "wave": waving,
    "simultaneous": simultaneous("sms-sense"),
    "simultaneous wavelet": simultaneous("sms-sense-wavelet"),
}


def check_same(name, device):
    raw, recipe, more = CASES[name]()
    here, there = reconstruct(raw, recipe, **more), reconstruct(raw, recipe, **more, device=device)
    for one, two in ((here.values, there.values), (here.noise_std, there.noise_std)):
        assert (one is None) == (two is None)
        if one is not None:
            assert isinstance(two, np.ndarray) and np.abs(one - two).max() < CLOSE * np.abs(one).max()
    return there


@pytest.mark.parametrize("name", CASES)
def test_a_pretended_device_gives_the_image_of_the_processor(name, monkeypatch):
    seen = []
    # The package's function of the same name hides the module.
    order = sys.modules["fullbore.recon.reconstruct"]
    for module in (order, replica):
        monkeypatch.setattr(module, "solve_volume", _watched(seen))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # what is made in another thread is not pretended
    try:
        with pretended_device() as device:
            monkeypatch.setattr(order, "named_device", lambda name: device if name == "cuda" else torch.device("cpu"))
            check_same(name, "cuda")
    finally:
        torch.set_num_threads(threads)
    assert seen.count(True) == seen.count(False) > 0


def test_what_slices_share_is_carried_once_and_stays_one():
    values, own = torch.ones(3), torch.zeros(2)
    common = Pair(one=values, two=[values])
    to = carrier(torch.device("meta"), common)
    first, second = (to.there(Pair(one=common, two=(own, values, "text"))) for _ in range(2))
    assert first.one.one is second.one.one is first.one.two[0] is first.two[1] and first.two[1].is_meta
    assert first.two[0] is not second.two[0] and first.two[2] == "text"
    assert common.one is values and not own.is_meta
    here = carrier(torch.device("cpu"), common)
    assert here.there(common) is common


@dataclass(frozen=True, slots=True)
class Pair:
    one: object
    two: object


def test_too_little_memory_there_is_told(monkeypatch):
    def full(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(sys.modules["fullbore.recon.reconstruct"], "solve_volume", full)
    with pytest.raises(LimitError, match='device="cpu"'):
        reconstruct(lines())


def _watched(seen):
    def solve(volume, *arguments):
        solved = solve_volume(volume, *arguments)
        seen.append(isinstance(volume.maps, Pretended))
        assert isinstance(solved.values, Pretended) == seen[-1]
        return solved

    return solve


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", CASES)
def test_a_cuda_device_gives_the_image_of_the_processor(name):
    assert check_same(name, "cuda").report["device"] == "cuda:0"


@pytest.mark.parametrize("name", ["gpu", "mps", "meta", ""])
def test_other_devices_are_refused(name):
    with pytest.raises(UsageError, match='wanted "cpu" or "cuda"'):
        reconstruct(lines(), device=name)


def test_a_device_that_is_not_there_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r'got "cuda".*Choose "cpu"'):
        reconstruct(lines(), device="cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert named_device("cuda") == torch.device("cuda", 0)
    with pytest.raises(UsageError, match=r'"cuda:1".*has 1'):
        named_device("cuda:1")


def test_the_command_line_refuses_before_it_reads(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["recon", str(tmp_path / "none.h5"), "--device", "cuda"]) == 2
    assert '"cuda"' in capsys.readouterr().err
