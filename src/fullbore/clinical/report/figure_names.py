"""Figures of merit in words with units, for tables that people read: one table of all that the machine's parts tell.

A pattern's %s is what several figures share but for it: a diameter, a kind of wire, an axis, a body.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

_PREFIXES = {-12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
_SCALED = (
    "V",
    "A",
    "W",
    "H",
    "F",
    "Hz",
    "m",
    "s",
    "J",
    "N",
    "Pa",
    "T",
    "ohm",
    "T/m",
    "T/m/A",
    "T/A",
    "VA",
    "Nm",
    "N/m",
    "Pa/(T/m)",
)
"""Units that take a prefix; others stand as they are."""

# Key, or a pattern of keys: what it is in words, unit. A unit after "x": the value times the factor before it.
_MAGNET = {
    "centre_field_T": ("field at the centre", "T"),
    "peak_to_peak_%s_ppm": ("field, peak to peak over %s", "ppm"),
    "stray_radius_m": ("stray line, radius", "m"),
    "stray_axial_m": ("stray line, along the axis", "m"),
    "energy_J": ("stored energy", "J"),
    "inductance_H": ("inductance", "H"),
    "conductor_m": ("length of conductor", "m"),
    "turns": ("turns", ""),
    "inner_radius_m": ("inner radius of the windings", "m"),
    "outer_radius_m": ("outer radius of the windings", "m"),
    "length_m": ("length of the windings", "m"),
    "peak_field_T": ("largest field on a conductor", "T"),
    "peak_field_%s_T": ("largest field on the %s wire", "T"),
    "load_line_margin_%s": ("load-line margin of the %s wire", "100 x %"),
    "hoop_stress_Pa": ("largest hoop stress, shared through a winding", "Pa"),
    "hoop_stress_lone_turn_Pa": ("largest hoop stress, each turn alone", "Pa"),
    "as_wound_median_%s_ppm": ("as wound, peak to peak over %s: median", "ppm"),
    "as_wound_95_percent_%s_ppm": ("as wound, peak to peak over %s: 95 % are under", "ppm"),
    "as_wound_keeps_%s": ("magnets as wound, before shims, that keep the limit of %s", "100 x %"),
}
_GRADIENT = {
    "sensitivity_T_per_m_A": ("gradient per ampere", "T/m/A"),
    "linearity_percent": ("largest deviation from a straight field", "%"),
    "linearity_rms_percent": ("rms deviation from a straight field", "%"),
    "eddy_percent": ("eddy field in the imaging volume", "%"),
    "resistance_ohm": ("resistance", "ohm"),
    "mean_width_m": ("mean width of the conductor", "m"),
    "peak_force_N_per_m": ("largest force on a length of wire", "N/m"),
    "net_force_N": ("net force", "N"),
    "net_torque_Nm": ("net torque", "Nm"),
    "merit_T2_per_m2_A2_H": ("merit: efficiency squared over inductance", "T2/m2/A2/H"),
    "amplitude_T_per_m": ("gradient at full current", "T/m"),
    "slew_T_per_m_s": ("slew rate", "T/m/s"),
    "voltage_V": ("voltage for the slew rate asked", "V"),
    "heat_W": ("heat at full gradient", "W"),
    "spacing_m": ("least distance of turns", "m"),
    "spacing_%s_m": ("least distance of turns, %s", "m"),
    "sheet_sensitivity_T_per_m_A": ("gradient per ampere, of the current sheet", "T/m/A"),
    "sheet_inductance_H": ("inductance, of the current sheet", "H"),
    "sheet_and_gaps_inductance_H": ("inductance, of the current sheet with gaps", "H"),
    "sheet_linearity_percent": ("largest deviation, of the current sheet", "%"),
    "sheet_eddy_percent": ("eddy field, of the current sheet", "%"),
    "least_distance_m": ("least distance of the wire from itself", "m"),
    "nests": ("nests of turns", ""),
    "bridges_and_leads_m": ("length of bridges and leads", "m"),
    "turns_sensitivity_T_per_m_A": ("gradient per ampere, of the closed turns", "T/m/A"),
    "triangles": ("triangles of the surface", ""),
    "longest_edge_m": ("longest edge of a triangle", "m"),
}
_AMPLIFIER = {
    "apparent_power_MVA": ("apparent power of an axis", "1e6 x VA"),
    "asked_by_the_coil_MVA": ("apparent power that the coil asks", "1e6 x VA"),
    "of_it_resistive_MVA": ("of it for resistance", "1e6 x VA"),
    "calibrated_law_MVA": ("apparent power by the law of bores", "1e6 x VA"),
    "energy_coefficient": ("stored energy over that of the law of bores", ""),
    "stack_V": ("voltage of the stacked bridges", "V"),
    "voltage_at_the_plug_V": ("voltage at the plug", "V"),
    "current_A": ("largest current", "A"),
    "bridges": ("full bridges in the stack", ""),
    "parallel_devices": ("devices in parallel", ""),
    "switches": ("switches", ""),
    "link_V": ("voltage of a link", "V"),
    "link_capacitance_mF": ("capacitance of a link", "1e-3 x F"),
    "link_store_J": ("energy in the links", "J"),
    "link_sag_percent": ("sag of the links at full current", "%"),
    "supply_kW": ("power of the supply", "1e3 x W"),
    "switching_kHz": ("switching frequency", "1e3 x Hz"),
    "ripple_frequency_kHz": ("frequency of the ripple", "1e3 x Hz"),
    "largest_ripple_A": ("largest ripple", "A"),
    "phase_margin_deg": ("phase margin of the current loop", "deg"),
    "continuous_A": ("continuous current", "A"),
    "duty_at_full_current_percent": ("duty at full current", "%"),
    "coil_%s_inductance_uH": ("inductance of coil and cable, %s", "1e-6 x H"),
    "coil_%s_resistance_mohm": ("resistance of coil and cable, %s", "1e-3 x ohm"),
    "gradient_mT_per_m": ("gradient that every axis reaches", "1e-3 x T/m"),
    "slew_from_zero_T_per_m_s": ("slew rate from zero", "T/m/s"),
    "straight_rise_us": ("straight ramp to full gradient", "1e-6 x s"),
    "curved_rise_us": ("fastest rise to full gradient", "1e-6 x s"),
    "eddy_%s_percent": ("eddy currents before pre-emphasis, %s", "%"),
    "longest_eddy_ms": ("longest time constant of eddy currents", "1e-3 x s"),
    "left_after_pre_emphasis_percent": ("eddy currents left by pre-emphasis", "%"),
    "left_if_eddies_are_5_percent_larger_percent": ("left where eddy currents are 5 % larger than thought", "%"),
    "pre_emphasis_overshoot_percent": ("overshoot of pre-emphasis", "%"),
    "sound_bands": ("acoustic bands to avoid", ""),
    "sound_Pa_m_per_T": ("sound pressure per gradient", "Pa/(T/m)"),
}
_ARRAY = {
    "loop_radius_m": ("mean radius of the loops", "m"),
    "quality_unloaded": ("quality, unloaded, mean", ""),
    "quality_loaded": ("quality, loaded, mean", ""),
    "quality_ratio": ("quality, unloaded over loaded, worst loop", ""),
    "coil_noise_share": ("share of the coils' own resistance in a loop's, mean", "100 x %"),
    "coupling_of_neighbours": ("inductive coupling of neighbours, worst pair", ""),
    "coupling_anywhere": ("inductive coupling of all others, worst pair", ""),
    "decoupling_dB": ("decoupling by preamplifiers, worst loop", "dB"),
    "preamplifier_noise_figure_dB": ("noise figure of the preamplifiers", "dB"),
    "noise_figure_dB": ("noise figure", "dB"),
    "g_R%s_mean": ("g at acceleration %s, mean", ""),
    "g_R%s_worst": ("g at acceleration %s, worst", ""),
    "snr_centre_per_mm3": ("signal to noise of water at the centre", "sqrt(Hz)/mm3"),
    "snr_mean_per_mm3": ("signal to noise of water, mean of the plane", "sqrt(Hz)/mm3"),
    "ultimate_centre_per_mm3": ("ultimate signal to noise at the sphere's centre", "sqrt(Hz)/mm3"),
    "ultimate_share_centre_sample": ("share of the ultimate at the centre, sample noise", "100 x %"),
    "ultimate_share_half_radius_sample": ("share of the ultimate at half the radius, sample noise", "100 x %"),
    "ultimate_share_centre_whole": ("share of the ultimate at the centre, all noise", "100 x %"),
    "ultimate_share_half_radius_whole": ("share of the ultimate at half the radius, all noise", "100 x %"),
}
_BIRDCAGE = {
    "frequency_Hz": ("frequency", "Hz"),
    "ring_capacitor_F": ("ring capacitor", "F"),
    "rung_capacitor_F": ("rung capacitor", "F"),
    "nearest_other_mode_Hz": ("nearest other mode", "Hz"),
    "loss_ohm": ("resistance of the coil alone, per mesh", "ohm"),
    "empty_b1_T_per_A": ("B1+ per ampere, empty", "T/A"),
    "head_b1_variation": ("variation of B1+ in the head", "100 x %"),
    "head_mass_kg": ("mass of the head", "kg"),
    "head_sar_W_per_kg_per_T2": ("SAR of the head", "1e-12 x W/kg per uT2"),
    "head_absorbed_W_per_T2": ("power absorbed by the head", "1e-12 x W/uT2"),
    "trunk_absorbed_W_per_T2": ("power absorbed by the trunk", "1e-12 x W/uT2"),
    "head_ohm": ("resistance that the head adds, per mesh", "ohm"),
    "trunk_ohm": ("resistance that the trunk adds, per mesh", "ohm"),
    "quality_%s": ("quality with the %s", ""),
    "bandwidth_%s_Hz": ("bandwidth with the %s", "Hz"),
    "b1_%s_T_per_A": ("B1+ per ampere in the %s", "T/A"),
    "forward_%s_W_per_T2": ("forward power for the %s", "1e-12 x W/uT2"),
    "efficiency_%s_T_per_sqrt_W": ("B1+ per root of power in the %s", "1e6 x uT/sqrt(W)"),
    "b1_reached_%s_T": ("B1+ that the amplifier reaches in the %s", "T"),
    "splitting_median_Hz": ("splitting by capacitors' tolerances, median", "Hz"),
    "port_shunt_F": ("matching, shunt capacitance", "F"),
    "port_series_ohm": ("matching, series reactance", "ohm"),
    "forward_W_per_T2": ("forward power", "1e-12 x W/uT2"),
    "b1_reached_T": ("B1+ that the amplifier reaches", "T"),
    "peak_power_W": ("peak power for the B1+ asked", "W"),
    "current_at_peak_A": ("current at the B1+ asked", "A"),
    "capacitor_V": ("voltage on a capacitor at the B1+ asked", "V"),
    "b1_at_rated_voltage_T": ("B1+ at the capacitors' rated voltage", "T"),
}
_TRANSMIT = {
    "absorbed_W_per_uT2": ("absorbed power", "W/uT2"),
    "subject_sar_W_per_kg_per_uT2": ("SAR of the whole subject", "W/kg per uT2"),
    "local_sar_10g_W_per_kg_per_uT2": ("largest SAR of 10 g", "W/kg per uT2"),
    "local_over_subject_sar": ("largest SAR of 10 g over the subject's", ""),
    "mass_kg": ("mass of the subject", "kg"),
    "reference_uT_per_A": ("mean B1+ in the slab per ampere", "1e-6 x T/A"),
    "variation_in_slab": ("variation of B1+ in the slab", "100 x %"),
    "central_brightening": ("B1+ in the middle over that at the rim", ""),
    "centre_over_mean": ("B1+ in the middle over the mean", ""),
    "lowest_in_slab": ("lowest B1+ in the slab over the mean", ""),
    "highest_in_slab": ("highest B1+ in the slab over the mean", ""),
    "observation_points": ("virtual observation points", ""),
}
_SPECTROMETER = {
    "dynamic_range_dB": ("largest signal over thermal noise in 1 Hz", "dB"),
    "amplifier_noise_figure_dB": ("noise figure of the amplifiers alone", "dB"),
    "signal_to_noise_dB": ("largest signal over all noise in the bandwidth", "dB"),
    "thermal_over_steps_dB": ("thermal noise over that of the converter's steps", "dB"),
    "jitter_limit_dB": ("signal to noise that jitter allows", "dB"),
    "steps_limit_dB": ("signal to noise that steps allow", "dB"),
    "flatness_dB": ("flatness of the passband", "dB"),
    "alias_dB": ("suppression of aliases, digital", "dB"),
    "analogue_alias_dB": ("suppression of aliases, analogue", "dB"),
    "zone": ("Nyquist zone of the carrier", ""),
    "alias_Hz": ("carrier after sampling", "Hz"),
    "harmonic_distance_Hz": ("distance of the nearest harmonic", "Hz"),
    "cic_decimation": ("decimation of the first filter", ""),
    "register_bits": ("bits of its registers", ""),
    "taps": ("taps of the second filter", ""),
    "settling_dwells": ("settling, in samples", ""),
    "trigger_latency_s": ("latency of the trigger", "s"),
    "trigger_scatter_s": ("scatter of the trigger", "s"),
    "steps_dB": ("noise of the transmitter's steps", "dB"),
    "jitter_dB": ("noise of the transmitter's jitter", "dB"),
    "truncation_spur_dB": ("spur by truncation of the phase", "dB"),
    "interpolation_image_dB": ("image by interpolation", "dB"),
    "quadrature_image_dB": ("image by quadrature errors", "dB"),
    "hold_droop_dB": ("droop of the converter's hold", "dB"),
    "resolution_Hz": ("resolution of the oscillator", "Hz"),
    "phase_error_per_s_rad": ("phase error in a second", "rad"),
}
_TABLE = _MAGNET | _GRADIENT | _AMPLIFIER | _ARRAY | _BIRDCAGE | _TRANSMIT | _SPECTROMETER
_PATTERNS = [
    (re.compile(re.escape(key).replace("%s", "(.+)")), words, unit) for key, (words, unit) in _TABLE.items() if "%s" in key
]


def figure_words(key: str) -> tuple[str, str]:
    """(what it is, unit) of a figure by its key, as the table has them; KeyError for a key that the table lacks."""
    if key in _TABLE:
        return _TABLE[key]
    for pattern, words, unit in _PATTERNS:
        found = pattern.fullmatch(key)
        if found is not None:
            return words.replace("%s", found.group(1).replace("_", " ").replace("cm", " cm")), unit
    raise KeyError(key)


def told_figure(key: str, value: float) -> tuple[str, str]:
    """(what it is, value with its unit); a key that the table lacks is told as it is, without a unit of its own."""
    try:
        words, unit = figure_words(key)
    except KeyError:
        return key.replace("_", " "), f"{value:.4g}"
    factor, _, plain = unit.rpartition(" x ")
    return words, told_value(value * float(factor or 1.0), plain)


def told_figures(figures: Mapping[str, float]) -> list[tuple[str, str]]:
    """Rows of a table: every figure in words, and its value with a unit."""
    return [told_figure(key, float(value)) for key, value in figures.items()]


def told_value(value: float, unit: str) -> str:
    """Four digits and the unit, with the prefix that leaves one to three digits before the point."""
    if not unit and value.is_integer():
        return f"{value:.0f}"
    if unit not in _SCALED or value == 0 or not math.isfinite(value):
        return f"{value:.4g} {unit}".strip()
    power = min(max(3 * math.floor(math.log10(abs(value)) / 3 + 1e-9), min(_PREFIXES)), max(_PREFIXES))
    return f"{value / 10.0**power:.4g} {_PREFIXES[power]}{unit}"
