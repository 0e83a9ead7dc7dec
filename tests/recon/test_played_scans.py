"""Scans on a machine with delays and eddy currents, reconstructed by what its measured response says."""

# TRUTHS of scans along the played path, on the virtual scanner: beside a machine without flaws, the nominal path is at least
#   twice as far off as the true one, that from sequence and response within 5 % of it, that from the trajectory alone between
#   | the command does the same from files | what it cannot use is refused by name

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fullbore import files
from fullbore.cli.main import main
from fullbore.data import Flaws
from fullbore.recon import reconstruct
from fullbore.recon.calibration.played_path import with_played_path
from fullbore.simulate import acquire
from tests.recon.played import MACHINE, RADIAL, SPIRAL, girf_of, sequence_of, truth
from tests.simulate.small import box, tissue


def disc(t2_s, points=26):
    """A plane of water with two holes, brighter on one side, 180 mm wide."""
    line = np.linspace(-1, 1, points)
    y, x = np.meshgrid(line, line, indexing="ij")
    water = (
        (x**2 / 0.8 + y**2 / 0.9 < 1) & ~((np.abs(x) < 0.2) & (np.abs(y + 0.4) < 0.2)) & ((x - 0.4) ** 2 + (y - 0.4) ** 2 > 0.04)
    )
    plane = box((1, points, points), (0.18 / points,) * 3, tissue(t2=t2_s))
    return replace(plane, fractions=(water * (0.7 + 0.3 * (x > 0)))[None, None].astype(np.float32))


def away(image, reference):
    """NRMSE of the magnitude at the best common scale."""
    a, b = np.abs(image.values), np.abs(reference.values)
    return float(np.linalg.norm(a * (a * b).sum() / (a * a).sum() - b) / np.linalg.norm(b))


@pytest.fixture(scope="module", params=[SPIRAL, RADIAL], ids=["spiral", "radial"])
def scans(request):
    """The sequence, its scan on the flawed machine and on one without flaws."""
    sequence, spec = sequence_of(request.param)
    flawed = replace(spec, flaws=Flaws(response=MACHINE))
    # A plane holds no spoiling: what spiral shots leave decays before the next one, so that only the path is at fault.
    body = disc(0.005 if request.param is SPIRAL else 0.1)
    return sequence, *(acquire(body, sequence, machine, seed=1, spins=2000, engine="spins") for machine in (flawed, spec))


@pytest.mark.slow
def test_the_played_path_is_as_good_as_the_true_one(scans):
    sequence, raw, ideal = scans
    path = truth(sequence, MACHINE)
    turned = raw.samples * np.exp(2j * np.pi * path[..., 3]).astype(np.complex64)[:, None]
    reference = reconstruct(ideal)
    true = reconstruct(replace(raw, trajectory_per_m=path[..., :3], samples=turned))
    known = reconstruct(with_played_path(raw, girf_of(MACHINE), sequence))
    alone, nominal = reconstruct(with_played_path(raw, girf_of(MACHINE))), reconstruct(raw)
    errors = [away(image, reference) for image in (true, known, alone, nominal)]
    assert errors[1] < 1.05 * errors[0] and away(known, true) < 0.02
    assert errors[1] < errors[2] < errors[3] and errors[3] > 2 * errors[0]


@pytest.mark.slow
def test_the_command_does_the_same_from_files(scans, tmp_path, capsys):
    sequence, raw, _ = scans
    files.write_mrd(raw, tmp_path / "raw.h5")
    files.write_pulseq(sequence, tmp_path / "played.seq")
    girf = str(files.write_impulse_response(girf_of(MACHINE), tmp_path / "girf.npz"))
    options = ["--girf", girf, "--sequence", str(tmp_path / "played.seq")]
    assert main(["recon", str(tmp_path / "raw.h5"), *options, "--out", str(tmp_path / "out"), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["status"] == "complete" and "measured gradient response, from the whole sequence" in told.err
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "girf.npz, SHA-256" in page
    read = files.read_raw(tmp_path / "raw.h5"), files.read_impulse_response(girf), files.read_pulseq(tmp_path / "played.seq")
    wanted = reconstruct(with_played_path(*read))
    got, _ = files.read_nifti(tmp_path / "out" / "image.nii.gz")
    assert_allclose(np.abs(got).squeeze(), np.abs(wanted.values).squeeze(), rtol=1e-5, atol=1e-6)
    assert main(["recon", str(tmp_path / "raw.h5"), "--sequence", str(tmp_path / "played.seq")]) == 2
    assert main(["recon", str(tmp_path / "raw.h5"), "--girf", str(tmp_path / "played.seq")]) == 4
