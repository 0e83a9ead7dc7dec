"""Radial CG-SENSE by bartorch or SigPy: job.npz in, for every weight and number of iterations the seconds and the image out.

usage: recon_radial.py bartorch|sigpy job.npz out.npz threads
"""

from __future__ import annotations

import sys
import time

import numpy as np


def by_bartorch(job, weight, iterations):
    """One call that gives the image."""
    import bartorch.apps as apps
    import torch

    path = job["cells"]
    path = np.concatenate([path[..., ::-1], 0 * path[..., :1]], -1).copy()
    data, maps, path = (torch.from_numpy(a) for a in (job["data"], job["maps"][:, None], path))
    return lambda: apps.pics(data, maps, l2=weight, maxiter=iterations, traj=path).numpy().squeeze()


def by_sigpy(job, weight, iterations):
    """One call that gives the image."""
    import sigpy.mri as mr

    return lambda: mr.app.SenseRecon(
        job["data"], job["maps"], coord=job["cells"], lamda=weight, max_iter=iterations, show_pbar=False
    ).run()


def main():
    """Every try of the job."""
    who, source, target, threads = sys.argv[1:5]
    if who == "bartorch":
        import bartorch
        import torch

        torch.set_num_threads(int(threads))
        bartorch.set_num_threads(int(threads))
    job = dict(np.load(source))
    seconds, images = [], []
    for weight, iterations in job["tries"]:
        run = {"bartorch": by_bartorch, "sigpy": by_sigpy}[who](job, float(weight), int(iterations))
        taken = []
        for _ in range(int(job["repeats"])):
            began = time.perf_counter()
            image = run()
            taken.append(time.perf_counter() - began)
        seconds.append(min(taken))
        images.append(np.asarray(image))
    np.savez(target, seconds=np.array(seconds), images=np.stack(images))


main()
