"""Pulse sequences: a protocol and the machine's limits become a Sequence with its Encoding."""

from fullbore.sequence.build import SEQUENCES, build
from fullbore.sequence.protocol import InversionRecoverySpinEcho, Mprage, Protocol, SpinEchoTrain2d, SpoiledGre3d
from fullbore.sequence.protocol_table import PROTOCOLS, parse_protocol

__all__ = [
    "PROTOCOLS",
    "SEQUENCES",
    "InversionRecoverySpinEcho",
    "Mprage",
    "Protocol",
    "SpinEchoTrain2d",
    "SpoiledGre3d",
    "build",
    "parse_protocol",
]
