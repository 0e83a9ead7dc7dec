"""Python peers on a case's files: recon_tools.py TOOL FOLDER ITERATIONS WEIGHT TIMES THREADS OUT; prints wall, processor s.

Reading the files is not timed. Weights are relative to each tool's own scaling, and searched for by the caller.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch


def bartorch_wavelet(kspace, maps, iterations, weight):
    """BART 1.0 in process: FISTA, dau2."""
    import bartorch.apps as apps
    import bartorch.priors as priors

    axes = tuple(axis - 3 for axis in range(3) if maps.shape[axis + 1] > 1)
    y, s = (torch.from_numpy(a) for a in (kspace[0], maps))
    return lambda: apps.pics(y, s, regularizers=priors.Wavelet(axes, weight), solver="fista", maxiter=iterations).numpy()


def sigpy_wavelet(kspace, maps, iterations, weight):
    """FISTA, db4."""
    from sigpy.mri.app import L1WaveletRecon

    y, s = kspace[0].squeeze(), maps.squeeze()
    return lambda: L1WaveletRecon(y, s, weight, max_iter=iterations, show_pbar=False).run()


def mrpro_wavelet(kspace, maps, iterations, weight):
    """FISTA, db2 in four levels, the weight relative to the largest of the zero-filled image."""
    from mrpro.algorithms.optimizers import pgd
    from mrpro.operators import FastFourierOp, SensitivityOp, WaveletOp
    from mrpro.operators.functionals import L1Norm, L2NormSquared

    y, s = torch.from_numpy(kspace[0].squeeze())[None, :, None], torch.from_numpy(maps.squeeze())[None, :, None]
    acquisition = FastFourierOp(dim=(-2, -1)) @ SensitivityOp(s)
    sparse = WaveletOp(domain_shape=tuple(y.shape[-2:]), dim=(-2, -1), wavelet_name="db2", level=4)
    mask = (y.abs().sum(1, keepdim=True) > 0).float()

    def run():
        start = acquisition.H(y)[0]
        data = 0.5 * L2NormSquared(target=y, weight=mask) @ acquisition @ sparse.H
        penalty = (weight * float(start.abs().max())) * L1Norm()
        (found,) = pgd(f=data, g=penalty, initial_value=sparse(start)[0], stepsize=1.0, max_iterations=iterations)
        return sparse.H(found)[0].detach().numpy()

    return run


TOOLS = {"bartorch": bartorch_wavelet, "sigpy": sigpy_wavelet, "mrpro": mrpro_wavelet}


def main():
    """One tool, one case."""
    tool, folder, iterations, weight, times, threads, out = sys.argv[1:8]
    torch.set_num_threads(int(threads))
    if tool == "bartorch":
        import bartorch

        bartorch.set_num_threads(int(threads))
    kspace, maps = (np.load(Path(folder) / f"{name}.npy") for name in ("kspace", "maps"))
    wall, busy = [], []
    run = TOOLS[tool](kspace, maps, int(iterations), float(weight))
    for _ in range(int(times)):
        began, cpu = time.perf_counter(), time.process_time()
        image = run()
        wall.append(time.perf_counter() - began)
        busy.append(time.process_time() - cpu)
    np.save(out, np.asarray(image).squeeze())
    print(min(wall), min(busy))


main()
