# TRUTHS of `fullbore serve`: it says where it listens, answers a scanner's session, and ends on Ctrl-C

import re
import signal
import socket
import subprocess
import sys

import pytest

from tests.console.test_stream import CLOSE, messages_of, raw_of, received


@pytest.mark.slow
def test_serve(tmp_path):
    command = [sys.executable, "-m", "fullbore.cli.main", "serve", "--port", "0", "--keep", str(tmp_path / "kept")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(re.search(r"127\.0\.0\.1:(\d+)", server.stdout.readline()).group(1))
            with socket.create_connection(("127.0.0.1", port), 60) as client:
                client.sendall(b"".join(messages_of(raw_of(), tmp_path)) + CLOSE)
                images = received(client)
        finally:
            server.send_signal(signal.SIGINT)
        assert server.wait(20) == 130
    assert images[-1].data.shape == (1, 1, 60, 64)
