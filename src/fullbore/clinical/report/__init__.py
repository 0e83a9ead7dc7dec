"""The pages that people look at: one self-contained HTML file with its pictures inside."""

from fullbore.clinical.report.array_page import ArrayViews, array_figure, array_page
from fullbore.clinical.report.body_page import body_figure, body_page
from fullbore.clinical.report.exam_page import exam_page
from fullbore.clinical.report.gradient_page import GradientViews, gradient_figure, gradient_page
from fullbore.clinical.report.magnet_page import Demand, MagnetViews, magnet_figure, magnet_page
from fullbore.clinical.report.making_page import MadeFile, chart_figure, making_page, sections_figure, tracks_figure, tray_charts
from fullbore.clinical.report.raw_page import raw_figure, raw_page
from fullbore.clinical.report.recon_page import picture, recon_page
from fullbore.clinical.report.sequence_page import sequence_page
from fullbore.clinical.report.shim_page import shim_figure, shim_page
from fullbore.clinical.report.spectrometer_page import SpectrometerViews, spectrometer_figure, spectrometer_page
from fullbore.clinical.report.spectrum_page import spectrum_figure, spectrum_page
from fullbore.clinical.report.surface_page import SurfaceViews, surface_figure, surface_page
from fullbore.clinical.report.transmit_page import TransmitViews, transmit_figure, transmit_page

__all__ = [
    "ArrayViews",
    "Demand",
    "GradientViews",
    "MadeFile",
    "MagnetViews",
    "SpectrometerViews",
    "SurfaceViews",
    "TransmitViews",
    "array_figure",
    "array_page",
    "body_figure",
    "body_page",
    "chart_figure",
    "exam_page",
    "gradient_figure",
    "gradient_page",
    "magnet_figure",
    "magnet_page",
    "making_page",
    "picture",
    "raw_figure",
    "raw_page",
    "recon_page",
    "sections_figure",
    "sequence_page",
    "shim_figure",
    "shim_page",
    "spectrometer_figure",
    "spectrometer_page",
    "spectrum_figure",
    "spectrum_page",
    "surface_figure",
    "surface_page",
    "tracks_figure",
    "transmit_figure",
    "transmit_page",
    "tray_charts",
]
