"""Peak memory of a reconstruction, in a process of its own."""

# TRUTHS of memory: a 3D l1-wavelet reconstruction stays under 1.5 times k-space on its grid, coil maps and image together
#   | it is what must be there: samples twice (the caller's, and on the image's columns), the maps, six images and blocks

import subprocess
import sys

import pytest

# What is loaded before: the program, its kernels and the scratch of one small reconstruction, which is not given back.
PROGRAM = """
import resource, threading, time
import numpy as np, torch
from tests.recon.measured import encoding_of, geometry_of
from fullbore.data import RawData
from fullbore.recon import Recipe, reconstruct
from fullbore.recon.recipe import Espirit, ProximalGradient, Wavelet

torch.set_num_threads(1)
CHANNELS, VIRTUAL, MIB = 8, 6, 1 << 20
recipe = Recipe(
    coils=Espirit(kernel=4, grid=16, calibration=16), virtual_coils=VIRTUAL,
    solver=ProximalGradient(iterations=3, tolerance=1e-9), prior=Wavelet(weight=0.8, floor=0.0, shifts=1),
)

def measured(x, y, z):
    # Noise around a strong centre: memory does not ask what the object is.
    rng = np.random.default_rng(0)
    mask = rng.random((z, y)) < 1 / 6
    mask[z // 2 - 10 : z // 2 + 10, y // 2 - 10 : y // 2 + 10] = True
    partition, line = np.nonzero(mask)
    samples = rng.standard_normal((len(line), CHANNELS, 2 * x), dtype=np.float32).view(np.complex64)
    samples[:, :, x // 2] += 300 * np.exp(-((line - y // 2) ** 2 + (partition - z // 2) ** 2) / 40)[:, None]
    scan = rng.standard_normal((CHANNELS, 8000), dtype=np.float32).view(np.complex64)
    encoding = encoding_of(geometry_of((x, y, z)), line, partition)
    return RawData(encoding=encoding, samples=samples, b0_T=3.0, noise=scan, noise_dwell_s=1e-5, trajectory_per_m=None)

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / MIB

def watch():
    while not over.is_set():
        peak[0] = max(peak[0], resident())
        time.sleep(0.001)

reconstruct(measured(32, 32, 32), recipe)
before, peak, over = resident(), [0.0], threading.Event()
raw = measured(128, 128, 112)
watcher = threading.Thread(target=watch)
watcher.start()
image = reconstruct(raw, recipe)
over.set()
watcher.join()
voxels = image.values.size * 8 / MIB
print(peak[0] - before, raw.samples.nbytes / MIB, image.sensitivities.nbytes / MIB, voxels, CHANNELS * voxels)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_slab_with_a_wavelet_prior_stays_within_its_data():
    told = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, timeout=300)
    peak, samples, maps, image, kspace = (float(word) for word in told.stdout.split()[-5:])
    assert peak < 1.5 * (kspace + maps + image)
    # Images: A^H y, the last two iterates, the point of the step, the transform's work, and one of noise maps and levels.
    # Blocks: of columns (8 MiB), of maps (8 MiB) and what calibration leaves behind.
    assert peak < 2 * samples + maps + 6 * image + 32
