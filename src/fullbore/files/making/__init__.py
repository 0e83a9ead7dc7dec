"""Wires and formers <-> what workshops read: CSV, DXF, STL, STEP. Plain arrays of metres in and out; millimetres in the
files."""

from fullbore.files.making.bill import write_bill
from fullbore.files.making.curve_step import read_step, write_step
from fullbore.files.making.flat import FlatPiece, folded, unrolled
from fullbore.files.making.profile import read_profiles_dxf, read_solids_step, write_profiles_dxf, write_solids_step
from fullbore.files.making.surface_file import read_surface
from fullbore.files.making.track_csv import read_track, write_track
from fullbore.files.making.track_dxf import read_dxf, read_flat_dxf, write_dxf, write_flat_dxf
from fullbore.files.making.tray_chart import read_chart_pdf, read_sheets, write_sheets
from fullbore.files.making.tube import centre_line, revolved, tube
from fullbore.files.making.tube_stl import Mesh, read_stl, write_stl

__all__ = [
    "FlatPiece",
    "Mesh",
    "centre_line",
    "folded",
    "read_chart_pdf",
    "read_dxf",
    "read_flat_dxf",
    "read_profiles_dxf",
    "read_sheets",
    "read_solids_step",
    "read_step",
    "read_stl",
    "read_surface",
    "read_track",
    "revolved",
    "tube",
    "unrolled",
    "write_bill",
    "write_dxf",
    "write_flat_dxf",
    "write_profiles_dxf",
    "write_sheets",
    "write_solids_step",
    "write_step",
    "write_stl",
    "write_track",
]
