"""From a design brief to a machine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fullbore.data import GradientChain, Limits, ScannerSpec
from fullbore.errors import LimitError, UsageError
from fullbore.hardware.power_amplifier.scaling import gradient_power_VA
from fullbore.hardware.presets import Preset, load_preset
from fullbore.hardware.receive import receive_array
from fullbore.hardware.system import Parts, Tell, with_parts
from fullbore.hardware.transmit import transmit_field

_CHANNELS = (8, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What is wanted: a preset machine and what to change of it; None keeps the preset's value.

    parts: magnet, gradients, transmit, receive, spectrometer to be designed for it; see `with_parts`.
    """

    preset: str = "fullbore-65cm"
    gradient_T_per_m: float | None = None
    slew_T_per_m_s: float | None = None
    receive_channels: int = 12
    parts: Parts = field(default_factory=Parts)


def design(brief: Brief, tell: Tell = lambda share, what: None) -> ScannerSpec:
    """The machine that a brief asks for: the preset, its figures as changed, and the parts that the brief designs put in.

    tell(share done, what is being done).

    Errors: UsageError for an unknown preset, a number that is not positive, or a channel count outside 8..16; LimitError
    when the preset's amplifier cannot drive that gradient at that slew rate in its bore (see `gradient_power_VA`): the
    message gives the slew rate and the amplitude that it could.
    """
    preset = load_preset(brief.preset)
    if not _CHANNELS[0] <= brief.receive_channels <= _CHANNELS[1]:
        raise UsageError(f"brief, receive channels: got {brief.receive_channels}, wanted {_CHANNELS[0]} to {_CHANNELS[1]}.")
    made = ScannerSpec(
        name=preset.name,
        b0_T=preset.b0_T,
        bore_diameter_m=preset.bore_diameter_m,
        limits=_limits(brief, preset),
        stimulation=preset.stimulation,
        power=preset.power,
        receive=receive_array(brief.receive_channels, preset.b0_T),
        transmit=transmit_field(),
        source=preset.source,
        chain=_chain(brief, preset),
        sound=preset.sound,
    )
    return with_parts(made, brief.parts, tell) if brief.parts.given else made


def _chain(brief: Brief, preset: Preset) -> GradientChain | None:
    """The preset's chain, its coil rewound for another amplitude at the same current: stored energy goes with its square."""
    if preset.chain is None or brief.gradient_T_per_m is None:
        return preset.chain
    ratio = brief.gradient_T_per_m / preset.limits.gradient_T_per_m
    sensitivity, inductance = (
        (part[0] * factor, part[1] * factor, part[2] * factor)
        for part, factor in ((preset.chain.sensitivity_T_per_m_A, ratio), (preset.chain.inductance_H, ratio**2))
    )
    return replace(preset.chain, sensitivity_T_per_m_A=sensitivity, inductance_H=inductance)


def _limits(brief: Brief, preset: Preset) -> Limits:
    gradient = preset.limits.gradient_T_per_m if brief.gradient_T_per_m is None else brief.gradient_T_per_m
    slew = preset.limits.slew_T_per_m_s if brief.slew_T_per_m_s is None else brief.slew_T_per_m_s
    for name, value in (("gradient", gradient), ("slew", slew)):
        if not value > 0:
            raise UsageError(f"brief, {name}: got {value}, wanted a positive number.")
    wanted = gradient_power_VA(gradient, slew, preset.bore_diameter_m)
    if wanted > preset.amplifier_VA * (1 + 1e-9):
        share = preset.amplifier_VA / wanted
        raise LimitError(
            f"brief, {preset.name}: {gradient * 1e3:.4g} mT/m at {slew:.4g} T/m/s "
            f"in a bore of {preset.bore_diameter_m * 100:.4g} cm asks {wanted / 1e6:.3g} MVA per axis, "
            f"limit {preset.amplifier_VA / 1e6:.3g}. Take {slew * share:.4g} T/m/s at that amplitude, "
            f"or {gradient * share * 1e3:.4g} mT/m at that slew rate."
        )
    return replace(preset.limits, gradient_T_per_m=gradient, slew_T_per_m_s=slew)
