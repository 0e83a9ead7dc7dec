"""The pages that people look at: one self-contained HTML file with its pictures inside."""

from fullbore.clinical.report.body_page import body_figure, body_page
from fullbore.clinical.report.exam_page import exam_page
from fullbore.clinical.report.magnet_page import Demand, MagnetViews, magnet_figure, magnet_page
from fullbore.clinical.report.raw_page import raw_figure, raw_page
from fullbore.clinical.report.recon_page import picture, recon_page
from fullbore.clinical.report.shim_page import shim_figure, shim_page

__all__ = [
    "Demand",
    "MagnetViews",
    "body_figure",
    "body_page",
    "exam_page",
    "magnet_figure",
    "magnet_page",
    "picture",
    "raw_figure",
    "raw_page",
    "recon_page",
    "shim_figure",
    "shim_page",
]
