"""The whole story on one screen: from a brief to DICOM, each step a front door."""

from __future__ import annotations

import sys
import tomllib
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from fullbore import files, hardware, phantom, quant, recon, safety, sequence, simulate
from fullbore.data import Study, Subject

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "one_screen")
folder.mkdir(parents=True, exist_ok=True)
subject = Subject(identifier="FB-1", name="Phantom^Digital", mass_kg=75, height_m=1.75)
brain = resources.files("fullbore.clinical") / "protocols" / "brain"
protocol = sequence.parse_protocol(tomllib.loads((brain / "t1t2_map.toml").read_text()), quick=True)

spec = hardware.design(hardware.Brief(preset="fullbore-65cm"))  # magnet, gradient, rf, receive array -> ScannerSpec
seq = sequence.build(protocol, limits=spec.limits)  # -> Sequence with its Encoding table
verdict = safety.check(seq, spec, subject)  # -> Verdict: what is over which limit, where, and what to change
assert verdict.allowed, verdict.refusals
files.write_pulseq(seq, folder / "map.seq")  # a real scanner plays this

raw = simulate.acquire(phantom.head(seed=1), seq, spec, seed=1)  # -> RawData, the same noun that files.read_mrd gives
files.write_mrd(raw, folder / "map.h5")
image = recon.reconstruct(files.read_mrd(folder / "map.h5"))  # blind to everything above
maps = quant.fit(image, quant.T1T2())  # value, unit, standard deviation, status per voxel

study = Study(
    uid="2.25.1", subject=subject, description="one screen", started=datetime.now(UTC), b0_T=spec.b0_T, system=spec.name
)
files.write_dicom(study.with_series(image, maps, verdict), folder / "dicom")
sys.stdout.write(f"{len(maps.maps)} maps of {maps.grid.shape} voxels in {folder}\n")
