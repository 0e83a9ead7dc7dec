"""The listening side: a thread for each client, no more than so many at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from fullbore.console.stream.session import Policy, Session
from fullbore.data import Image, RawData
from fullbore.errors import UsageError
from fullbore.files.mrd_stream import close_message, text_message

_POLL_S = 0.2


@dataclass(slots=True, eq=False)
class StreamServer:
    """Listens for MRD streaming clients.

    reconstruct: (raw data, name of an allowed recipe) -> image. preview: a quick look at what has arrived.
    address: host and port; port 0 takes any free one, and `port` tells which. most_clients: further ones are sent away.
    Errors: UsageError when the address cannot be taken.
    """

    reconstruct: Callable[[RawData, str], Image]
    preview: Callable[[RawData], Image]
    policy: Policy
    address: tuple[str, int] = ("127.0.0.1", 9002)
    most_clients: int = 8
    _listener: socket.socket = field(init=False)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _seats: threading.BoundedSemaphore = field(init=False)

    def __post_init__(self) -> None:
        self._seats = threading.BoundedSemaphore(self.most_clients)
        try:
            self._listener = socket.create_server(self.address)
        except OSError as error:
            host, port = self.address
            raise UsageError(f"stream server: cannot listen on {host}:{port} ({error.strerror}). Choose another port.") from error
        self._listener.settimeout(_POLL_S)

    @property
    def port(self) -> int:
        """The port that was taken."""
        return int(self._listener.getsockname()[1])

    def serve(self) -> None:
        """Serve until `stop`; sessions that are under way then are left to end by themselves."""
        with self._listener:
            while not self._stopped.is_set():
                try:
                    connection, client = self._listener.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=self._session, args=(connection, f"{client[0]}:{client[1]}"), daemon=True).start()

    def stop(self) -> None:
        """End `serve`."""
        self._stopped.set()

    def _session(self, connection: socket.socket, name: str) -> None:
        with connection:
            if not self._seats.acquire(blocking=False):
                connection.sendall(text_message(f"{self.most_clients} sessions are running. Try again later.") + close_message())
                return
            try:
                Session(connection, name, self.policy, self.reconstruct, self.preview).run()
            finally:
                self._seats.release()
