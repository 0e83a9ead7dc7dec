"""How MRD version 1 lies in HDF5: the compound type of an acquisition and its flags.

Source: ismrmrd.h and the schema of github.com/ismrmrd/ismrmrd, version 1.14.
"""

from __future__ import annotations

import h5py
import numpy as np

GROUP = "dataset"
LARGEST_COUNT = 65535

COUNTER_FIELDS = {
    "line": "kspace_encode_step_1",
    "partition": "kspace_encode_step_2",
    "slice": "slice",
    "contrast": "contrast",
    "phase": "phase",
    "repetition": "repetition",
    "set": "set",
    "segment": "segment",
    "average": "average",
}

COUNTERS_TYPE = np.dtype(
    [(name, "<u2") for name in ("kspace_encode_step_1", "kspace_encode_step_2", "average", "slice", "contrast", "phase")]
    + [(name, "<u2") for name in ("repetition", "set", "segment")]
    + [("user", "<u2", (8,))]
)

HEAD_TYPE = np.dtype(
    [
        ("version", "<u2"),
        ("flags", "<u8"),
        ("measurement_uid", "<u4"),
        ("scan_counter", "<u4"),
        ("acquisition_time_stamp", "<u4"),
        ("physiology_time_stamp", "<u4", (3,)),
        ("number_of_samples", "<u2"),
        ("available_channels", "<u2"),
        ("active_channels", "<u2"),
        ("channel_mask", "<u8", (16,)),
        ("discard_pre", "<u2"),
        ("discard_post", "<u2"),
        ("center_sample", "<u2"),
        ("encoding_space_ref", "<u2"),
        ("trajectory_dimensions", "<u2"),
        ("sample_time_us", "<f4"),
        ("position", "<f4", (3,)),
        ("read_dir", "<f4", (3,)),
        ("phase_dir", "<f4", (3,)),
        ("slice_dir", "<f4", (3,)),
        ("patient_table_position", "<f4", (3,)),
        ("idx", COUNTERS_TYPE),
        ("user_int", "<i4", (8,)),
        ("user_float", "<f4", (8,)),
    ]
)

ACQUISITION_TYPE = np.dtype(
    [
        ("head", HEAD_TYPE),
        ("traj", h5py.special_dtype(vlen=np.dtype("<f4"))),
        ("data", h5py.special_dtype(vlen=np.dtype("<f4"))),
    ]
)


def flag_mask(*numbers: int) -> int:
    """The bits of MRD's flags, which are numbered from 1."""
    return sum(1 << (number - 1) for number in numbers)


# Acquisitions that make no image: navigation, phase correction, feedback, dummies, coil correction, phase stabilisation.
NOT_IMAGING = flag_mask(23, 24, 26, 27, 28, 29, 30, 31)
