"""Run by pygrappa's own Python: python fill_pygrappa.py in.npz out.npz.

in: kspace (channel, kz, ky) with gaps, block (channel, kz, ky), repeats. out: per function and window its completed k-space,
seconds and processor seconds. cgrappa takes double precision only, and no window above 5 x 5: its table of patterns fails.
"""

import sys
import time

import numpy as np
from pygrappa import cgrappa, mdgrappa

given = np.load(sys.argv[1])
kspace, block = (np.moveaxis(given[name], 0, -1) for name in ("kspace", "block"))
found = {}
double = [values.astype(np.complex128) for values in (kspace, block)]
for name, call in (
    ("cgrappa", lambda: cgrappa(*double, kernel_size=(5, 5), coil_axis=-1)),
    ("mdgrappa", lambda: mdgrappa(kspace, block, kernel_size=(5, 5))),
    ("mdgrappa_7", lambda: mdgrappa(kspace, block, kernel_size=(7, 7))),
):
    seconds, busy = [], []
    for _ in range(int(given["repeats"])):
        began, before = time.perf_counter(), time.process_time()
        filled = call()
        seconds.append(time.perf_counter() - began)
        busy.append(time.process_time() - before)
    found[name] = np.moveaxis(filled, -1, 0).astype(np.complex64)
    found[f"{name}_s"], found[f"{name}_cpu_s"] = np.median(seconds), np.median(busy)
np.savez(sys.argv[2], **found)
