"""One client's session: readouts come in, previews and at the end the image go out, and nothing that came is lost.

The receiving thread only receives; previews are made beside it and skip what they cannot keep up with. Whatever goes
wrong ends this session alone: the client is told in a sentence, and what had arrived is written to disk.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fullbore.data import Image, RawData
from fullbore.errors import DataError, FormatError, FullboreError, UsageError
from fullbore.files.mrd_stream import (
    Acquisition,
    Config,
    HeaderText,
    close_message,
    gathered,
    image_messages,
    read_messages,
    text_message,
    write_gathered,
)

LOG = logging.getLogger(__name__)
IMAGE_SERIES, PREVIEW_SERIES = 1, 1000
_SEND_S = 30.0
_DRAIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a client may ask for.

    recipes: names that a client may give as its configuration; the first is what anything unnamed gets.
    preview_every_s: least time between previews, 0 for none. idle_s: silence after which a client counts as gone.
    largest_bytes: readouts that one session may send. folder: where data are kept whose session broke; None keeps nothing.
    """

    recipes: tuple[str, ...]
    preview_every_s: float = 1.0
    idle_s: float = 120.0
    largest_bytes: int = 8 << 30
    folder: Path | None = None


@dataclass(slots=True, eq=False)
class Session:
    """The state of one connection. `run` returns when it is over and never raises."""

    connection: socket.socket
    name: str
    policy: Policy
    reconstruct: Callable[[RawData, str], Image]
    preview: Callable[[RawData], Image]
    _recipe: str = ""
    _refusal: str = ""
    _xml: bytes = b""
    _arrived: list[Acquisition] = field(default_factory=list)
    _bytes: int = 0
    _sending: threading.Lock = field(default_factory=threading.Lock)
    _previewing: threading.Thread | None = None
    _previewed_s: float = 0.0

    def run(self) -> None:
        """Receive, reconstruct, answer, close."""
        self.connection.settimeout(self.policy.idle_s)
        self._recipe, self._previewed_s = self.policy.recipes[0], time.monotonic()
        try:
            self._receive()
            self._answer()
        except FullboreError as error:
            self._end(str(error))
        except TimeoutError:
            self._end(f"{self.name}: nothing came for {self.policy.idle_s:g} s. Send on, or close the session.")
        except (EOFError, OSError) as error:
            self._end(f"{self.name}: the connection ended before the session did ({error}). Send a close message at the end.")
        except Exception as error:  # a bug must not take the other sessions with it
            LOG.exception("%s", self.name)
            self._end(f"{self.name}: internal error: {type(error).__name__}: {error}. Please report it.")

    def _receive(self) -> None:
        for message in read_messages(self._read, self.name):
            match message:
                case Config():
                    self._choose(message)
                case HeaderText():
                    self._xml = message.xml
                case Acquisition():
                    self._keep(message)

    def _read(self, count: int) -> bytes:
        buffer = bytearray(count)
        view, filled = memoryview(buffer), 0
        while filled < count:
            got = self.connection.recv_into(view[filled:])
            if got == 0:
                raise EOFError(f"{count - filled} bytes of a message missing")
            filled += got
        return bytes(buffer)

    def _choose(self, config: Config) -> None:
        """Take the recipe that a client names; a text of its own is not run, whatever it says.

        An unknown name is refused at once, but the readouts that follow are received and kept: they may not come again.
        """
        if not config.is_name or config.text in ("", "default"):
            return
        if config.text in self.policy.recipes:
            self._recipe = config.text
            return
        self._refusal = f"{self.name}, recipe: got {config.text!r}, wanted one of {', '.join(self.policy.recipes)}."
        self._send(text_message(self._refusal))

    def _keep(self, acquisition: Acquisition) -> None:
        if not self._xml:
            raise FormatError(f"{self.name}: a readout came before the header. Send the MRD header first.")
        self._bytes += acquisition.stored_bytes
        if self._bytes > self.policy.largest_bytes:
            raise DataError(f"{self.name}: more than {self.policy.largest_bytes} bytes of readouts. Split the acquisition.")
        self._arrived.append(acquisition)
        self._maybe_preview()

    def _maybe_preview(self) -> None:
        every, now = self.policy.preview_every_s, time.monotonic()
        busy = self._previewing is not None and self._previewing.is_alive()
        if every <= 0 or busy or now - self._previewed_s < every:
            return
        self._previewed_s = now
        self._previewing = threading.Thread(target=self._show, args=(list(self._arrived),), daemon=True)
        self._previewing.start()

    def _show(self, arrived: list[Acquisition]) -> None:
        """A preview of what had arrived. One that fails is no reason to stop: the data may not be enough for one yet."""
        try:
            self._send_image(self.preview(gathered(self._xml, arrived, self.name)), PREVIEW_SERIES, "preview")
        except (FullboreError, OSError) as error:
            LOG.info("%s: no preview (%s)", self.name, error)

    def _answer(self) -> None:
        if self._refusal:
            raise UsageError(self._refusal)
        raw = gathered(self._xml, self._arrived, self.name)
        image = self.reconstruct(raw, self._recipe)
        if self._previewing is not None:
            self._previewing.join()
        self._send_image(image, IMAGE_SERIES, f"recipe {self._recipe}")
        self._send(close_message())

    def _send_image(self, image: Image, series: int, comment: str) -> None:
        for message in image_messages(image, series, comment):
            self._send(message)

    def _send(self, message: bytes) -> None:
        with self._sending:
            self.connection.sendall(message)

    def _end(self, reason: str) -> None:
        """Say why, keep what came, close."""
        LOG.warning("%s", reason)
        kept = self._save()
        try:
            self.connection.settimeout(_SEND_S)
            self._send(text_message(f"{reason}{f' What had arrived is in {kept}.' if kept else ''}") + close_message())
            self._drain()
        except OSError:
            LOG.info("%s: the client is gone", self.name)

    def _drain(self) -> None:
        """Take what the client still sends, for a while: closing under its hands would throw our message away."""
        self.connection.shutdown(socket.SHUT_WR)
        until = time.monotonic() + _DRAIN_S
        self.connection.settimeout(_DRAIN_S)
        while time.monotonic() < until and self.connection.recv(1 << 16):
            pass

    def _save(self) -> Path | None:
        if self.policy.folder is None or not self._arrived or not self._xml:
            return None
        path = self.policy.folder / f"{self.name.replace(':', '-')}-{time.time_ns()}.h5"
        try:
            self.policy.folder.mkdir(parents=True, exist_ok=True)
            write_gathered(self._xml, self._arrived, path)
        except (FullboreError, OSError) as error:
            LOG.error("%s: what had arrived could not be kept (%s)", self.name, error)
            return None
        return path
