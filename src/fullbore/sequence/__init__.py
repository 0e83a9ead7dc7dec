"""Pulse sequences: a protocol and the machine's limits become a Sequence with its Encoding."""

from fullbore.sequence.build import attempt, build
from fullbore.sequence.k_space import streamed_k_space
from fullbore.sequence.library import SEQUENCES
from fullbore.sequence.prescription import Protocol
from fullbore.sequence.protocol import InversionRecoverySpinEcho, Mprage, SpinEchoTrain2d, SpoiledGre3d
from fullbore.sequence.protocol_table import parse_protocol
from fullbore.sequence.refusal import Refusal

__all__ = [
    "SEQUENCES",
    "InversionRecoverySpinEcho",
    "Mprage",
    "Protocol",
    "Refusal",
    "SpinEchoTrain2d",
    "SpoiledGre3d",
    "attempt",
    "build",
    "parse_protocol",
    "streamed_k_space",
]
