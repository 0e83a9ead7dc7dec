"""Gradient echoes beyond the scout: several echoes, velocity, two inversion times, blood, waves."""

from fullbore.sequence.gradient_echo.beam_navigated import BeamNavigatedGre3d, beam_navigated_gre_3d
from fullbore.sequence.gradient_echo.mp2rage import Mp2rage, mp2rage
from fullbore.sequence.gradient_echo.multi_echo import Dixon3d, MultiEchoGre3d, T2StarGre3d, multi_echo_gre_3d
from fullbore.sequence.gradient_echo.navigated import NavigatedGre3d, navigated_gre_3d
from fullbore.sequence.gradient_echo.phase_contrast import Flow4d, PhaseContrast2d, flow_4d, phase_contrast_2d
from fullbore.sequence.gradient_echo.time_of_flight import (
    TimeOfFlight2d,
    TimeOfFlight3d,
    time_of_flight_2d,
    time_of_flight_3d,
)
from fullbore.sequence.gradient_echo.wave import WaveGre3d, wave_gre_3d

__all__ = [
    "BeamNavigatedGre3d",
    "Dixon3d",
    "Flow4d",
    "Mp2rage",
    "MultiEchoGre3d",
    "NavigatedGre3d",
    "PhaseContrast2d",
    "T2StarGre3d",
    "TimeOfFlight2d",
    "TimeOfFlight3d",
    "WaveGre3d",
    "beam_navigated_gre_3d",
    "flow_4d",
    "mp2rage",
    "multi_echo_gre_3d",
    "navigated_gre_3d",
    "phase_contrast_2d",
    "time_of_flight_2d",
    "time_of_flight_3d",
    "wave_gre_3d",
]
