"""A ball of spins, each with its own Bloch equation, scanned and reconstructed; and how far the fast way is from it."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

from fullbore import hardware, phantom, recon, sequence, simulate
from fullbore.data import Tissue
from fullbore.simulate.cloud import acquire_cloud, scatter

protocol = {
    "sequence": "spoiled_gre_3d", "name": "gre", "orientation": "sagittal", "fov": ["80 mm", "80 mm", "80 mm"],
    "matrix": [32, 32, 32], "repetition_time": "500 ms", "echo_time": "3 ms", "flip_angle": "15 deg", "bandwidth": "400 Hz/px",
}  # fmt: skip

spec = hardware.design(hardware.Brief(preset="fullbore-65cm"))
quiet = replace(spec, receive=replace(spec.receive, noise_covariance=1e-30 * np.eye(spec.receive.coils, dtype=complex)))
seq = sequence.build(sequence.parse_protocol({"protocol": protocol}), limits=spec.limits)
gel = Tissue(name="gel", t1_s=0.8, t2_s=0.05, t2_prime_s=np.inf, proton_density=1.0)
ball = phantom.sphere(radius_m=0.025, tissue=gel)
spins = scatter(ball, spec, per_cell=(2, 2, 5))  # any positions and properties will do; here from a phantom

exact = acquire_cloud(spins, seq, quiet)  # every spin through every pulse
fast = simulate.acquire(ball, seq, quiet)  # configuration states on classes
image = recon.reconstruct(exact)
error = np.linalg.norm(fast.samples - exact.samples) / np.linalg.norm(exact.samples)
sys.stdout.write(f"{len(spins)} spins, {exact.samples.size} samples, image {image.values.shape}, fast way off by {error:.1e}\n")
