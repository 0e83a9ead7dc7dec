"""The streaming server against the ISMRMRD project's own serialiser, over real sockets on loopback."""

# TRUTHS of streaming: the image that comes back is the one that the file gives, and another reader reads it
#   | a preview comes before the scan ends, and the image within a second of the last readout | a client that lies about
#   lengths, stalls, breaks off or asks for an unknown recipe gets a sentence and hurts nobody else | what had arrived is kept
#   | pieces joined are the whole

import io
import socket
import struct
import threading
import time
from contextlib import contextmanager

import ismrmrd
import numpy as np
import pytest
from ismrmrd.serialization import ConfigFile, ConfigText, ProtocolDeserializer, ProtocolSerializer

from fullbore.console.stream import Policy, StreamServer
from fullbore.errors import DataError, UsageError
from fullbore.files import read_mrd, write_mrd
from fullbore.recon import Combination, Recipe, default_recipe, preview, reconstruct, reconstruct_stream
from fullbore.recon.streaming import joined
from tests.recon.measured import array_of, encoding_of, full_lines, geometry_of, measure, regular_lines
from tests.recon.trajectories import measure_along, spokes

RECIPES = {"default": None, "combination": Recipe(solver=Combination())}


def raw_of(matrix=(64, 60), coils=4, noise=1e-6, **kwargs):
    return measure(encoding_of(geometry_of((*matrix, 1)), np.arange(matrix[1])), array_of(coils, 2), noise=noise, **kwargs)


def messages_of(raw, folder, config=None, count=None):
    """The bytes of a session, as the ISMRMRD project writes them: configuration, header, acquisitions, close."""
    write_mrd(raw, folder / "raw.h5")
    stored = ismrmrd.Dataset(folder / "raw.h5", "dataset", create_if_needed=False)
    parts = []
    for item in [
        config or ConfigFile("default"),
        ismrmrd.xsd.CreateFromDocument(stored.read_xml_header()),
        *(stored.read_acquisition(i) for i in range(count or stored.number_of_acquisitions())),
    ]:
        buffer = io.BytesIO()
        ProtocolSerializer(buffer).serialize(item)
        parts.append(buffer.getvalue())
    stored.close()
    return parts


CLOSE = struct.pack("<H", 4)


@contextmanager
def serving(tmp_path, **policy):
    server = StreamServer(
        reconstruct=lambda raw, recipe: reconstruct(raw, RECIPES[recipe]),
        preview=preview,
        policy=Policy(recipes=tuple(RECIPES), folder=tmp_path / "kept", **policy),
        address=("127.0.0.1", 0),
        most_clients=2,
    )
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    server.stop()
    thread.join(5)


def answers_to(server, *parts):
    """All that the server says to a client that sends these bytes."""
    with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
        for part in parts:
            connection.sendall(part)
        return received(connection)


def received(connection):
    with connection.makefile("rb") as stream:
        return list(ProtocolDeserializer(stream).deserialize())


def test_streamed_image_is_the_file_s(tmp_path):
    raw = raw_of()
    with serving(tmp_path) as server:
        (image,) = answers_to(server, *messages_of(raw, tmp_path), CLOSE)
    wanted = reconstruct(read_mrd(tmp_path / "raw.h5")).values
    assert np.allclose(image.data[0], wanted, atol=1e-6 * np.abs(wanted).max())
    assert np.allclose(image.field_of_view[:], [240, 220, 5])
    assert image.meta["ImageComments"] == "recipe default"


def test_slices_and_slabs(tmp_path):
    lines = regular_lines(60, 2, 16)
    slices = measure(
        encoding_of(geometry_of((64, 60, 1), slices=2), np.tile(lines, 2), slice_number=np.repeat([0, 1], len(lines))),
        array_of(4, 2),
        noise=1e-6,
    )
    line, partition = full_lines((24, 22, 20))
    slab = measure(encoding_of(geometry_of((24, 22, 20)), line, partition), array_of(2), noise=1e-6)
    with serving(tmp_path) as server:
        two = answers_to(server, *messages_of(slices, tmp_path), CLOSE)
        (one,) = answers_to(server, *messages_of(slab, tmp_path), CLOSE)
    assert [image.getHead().slice for image in two] == [0, 1]
    assert two[1].position[2] - two[0].position[2] == pytest.approx(6.0)
    assert one.data.shape == (1, 20, 22, 24)


def test_recipe_by_name_and_text_that_is_not_run(tmp_path):
    raw = raw_of()
    with serving(tmp_path) as server:
        (named,) = answers_to(server, *messages_of(raw, tmp_path, ConfigFile("combination")), CLOSE)
        (text,) = answers_to(server, *messages_of(raw, tmp_path, ConfigText("<configuration/>")), CLOSE)
        refused = answers_to(server, *messages_of(raw, tmp_path, ConfigFile("../../etc/passwd")), CLOSE)
    assert named.meta["ImageComments"] == "recipe combination"
    assert text.meta["ImageComments"] == "recipe default"
    assert "wanted one of default, combination" in refused[0]


def test_preview_while_scanning(tmp_path):
    parts = messages_of(raw_of(), tmp_path)
    with serving(tmp_path, preview_every_s=0.05) as server, socket.create_connection(("127.0.0.1", server.port), 20) as client:
        for number, part in enumerate(parts):
            client.sendall(part)
            time.sleep(0.05 if number > len(parts) - 10 else 0)
        client.sendall(CLOSE)
        images = received(client)
    assert len(images) > 1
    assert images[0].meta["ImageComments"] == "preview"
    assert images[-1].meta["ImageComments"] == "recipe default"


def test_preview_is_the_root_sum_of_squares_of_what_is_there():
    raw = raw_of(noise=0.0)
    whole = preview(raw).values
    kspace = np.moveaxis(raw.samples, 1, 0)
    channels = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace, (1, 2)), norm="ortho"), (1, 2))
    wanted = np.sqrt((np.abs(channels) ** 2).sum(0))
    assert np.allclose(whole[0].real, wanted, atol=1e-5 * wanted.max())
    part = preview(raw.take(np.arange(0, 50))).values
    difference = np.linalg.norm(part - whole) / np.linalg.norm(whole)
    assert 0.001 < difference < 0.1  # ten lines at the edge of k-space are missing


def test_image_within_a_second_of_the_last_readout(tmp_path):
    parts = messages_of(raw_of((256, 256), coils=8), tmp_path)
    with serving(tmp_path, preview_every_s=0.2) as server:
        answers_to(server, *parts, CLOSE)  # kernels compile once
        with socket.create_connection(("127.0.0.1", server.port), 20) as client:
            for part in parts[:-1]:
                client.sendall(part)
            time.sleep(0.3)
            began = time.perf_counter()
            client.sendall(parts[-1] + CLOSE)
            images = received(client)
            waited = time.perf_counter() - began
    assert images[-1].data.shape == (1, 1, 256, 256)
    assert waited < 1.0


def lie(parts):
    """A readout whose head promises more samples than follow."""
    head = bytearray(parts[30])
    offset = 2 + 2 + 8 + 4 + 4 + 4 + 12
    (samples,) = struct.unpack_from("<H", head, offset)
    struct.pack_into("<H", head, offset, samples + 7)
    return [*parts[:30], bytes(head), *parts[31:]]


def test_lies_hurt_only_the_liar(tmp_path):
    raw = raw_of()
    parts = messages_of(raw, tmp_path)
    with serving(tmp_path, preview_every_s=0.0) as server:
        refused = answers_to(server, *lie(parts), CLOSE)
        (image,) = answers_to(server, *parts, CLOSE)
    assert "lengths" in refused[-1] and "kept" in refused[-1]
    assert image.data.shape == (1, 1, 60, 64)
    (kept,) = (tmp_path / "kept").glob("*.h5")
    assert np.array_equal(read_mrd(kept).samples[:20], raw.samples[:20])


def test_stalled_client_is_let_go_and_its_data_are_kept(tmp_path):
    raw = raw_of()
    parts = messages_of(raw, tmp_path)
    with (
        serving(tmp_path, idle_s=0.5, preview_every_s=0.0) as server,
        socket.create_connection(("127.0.0.1", server.port)) as slow,
    ):
        slow.sendall(b"".join(parts[:40]))
        (image,) = answers_to(server, *parts, CLOSE)
        (reason,) = received(slow)
    assert image.data.shape == (1, 1, 60, 64)
    assert "nothing came for 0.5 s" in reason
    (kept,) = (tmp_path / "kept").glob("*.h5")
    rows = 38 - raw.noise.shape[1] // 4096 - 1
    assert read_mrd(kept).encoding.rows == rows


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda parts: [parts[0], *parts[2:]], "came before the header"),
        (lambda parts: parts[:2], "not one readout arrived"),
        (lambda parts: [struct.pack("<H", 77), *parts], "got message 77"),
        (lambda parts: [*parts[:1], struct.pack("<HI", 3, 1 << 31)], "wanted at most"),
        (lambda parts: [*parts[:1], struct.pack("<HI", 3, 5) + b"<xml>", *parts[2:]], "header"),
    ],
)
def test_broken_sessions_end_in_a_sentence(tmp_path, change, match):
    parts = change(messages_of(raw_of(), tmp_path))
    with serving(tmp_path, preview_every_s=0.0) as server:
        answer = answers_to(server, *parts, CLOSE)
    assert match in answer[-1]


def test_a_client_that_breaks_off_leaves_its_data(tmp_path):
    parts = messages_of(raw_of(), tmp_path)
    with serving(tmp_path, preview_every_s=0.0) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"".join(parts[:50])[:-100])
        for _ in range(100):
            if list((tmp_path / "kept").glob("*.h5")):
                break
            time.sleep(0.05)
    assert len(list((tmp_path / "kept").glob("*.h5"))) == 1


def test_no_more_clients_than_seats(tmp_path):
    with serving(tmp_path) as server:
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
        time.sleep(0.3)
        with socket.create_connection(("127.0.0.1", server.port)) as third:
            assert "Try again" in received(third)[0]
        for connection in idle:
            connection.close()


def test_taken_port_is_a_sentence(tmp_path):
    with serving(tmp_path) as server, pytest.raises(UsageError, match="another port"):
        StreamServer(reconstruct=server.reconstruct, preview=preview, policy=server.policy, address=("127.0.0.1", server.port))


def test_iterator_of_pieces(tmp_path):
    raw = raw_of()
    pieces = [raw.take(np.arange(first, first + 6)) for first in range(0, 60, 6)]
    times = iter(np.arange(0, 100, 0.4))
    images = list(reconstruct_stream(pieces, every_s=1.0, clock=lambda: float(next(times))))
    assert [bool(image.report.get("preview")) for image in images] == [True] * (len(images) - 1) + [False]
    assert len(images) > 2
    assert np.array_equal(images[-1].values, reconstruct(raw).values)
    whole = joined(pieces)
    assert np.array_equal(whole.samples, raw.samples) and np.array_equal(whole.encoding.counters, raw.encoding.counters)
    assert default_recipe(whole) == default_recipe(raw)
    with pytest.raises(DataError, match="before the first readout"):
        next(reconstruct_stream([]))


def test_curves_are_streamed_as_curves(tmp_path):
    raw = measure_along(spokes(70, (64, 60, 1), golden=False), (64, 60, 1), array_of(4, 2))
    with serving(tmp_path, preview_every_s=0.0) as server:
        (image,) = answers_to(server, *messages_of(raw, tmp_path), CLOSE)
    wanted = reconstruct(raw).values
    # Trajectories travel in single precision.
    assert np.linalg.norm(image.data[0] - wanted) < 1e-3 * np.linalg.norm(wanted)
