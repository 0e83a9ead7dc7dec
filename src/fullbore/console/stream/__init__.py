"""An MRD streaming server: a scanner sends readouts, images come back while it scans."""

from fullbore.console.stream.server import StreamServer
from fullbore.console.stream.session import Policy

__all__ = ["Policy", "StreamServer"]
