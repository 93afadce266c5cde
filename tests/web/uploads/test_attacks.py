"""Files that a hostile visitor drops on the map of a real server."""

import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from support import store_library, write_tone

from explorer.config import ROOT
from explorer.web.security import MAX_UPLOAD_BYTES

SECRET_S = 7.25
PATIENCE_S = 120
pytestmark = pytest.mark.skipif(os.name != "posix", reason="FIFOs and signals")


def ignore_hangup():
    """Let a program ignore the end of its terminal, as `nohup` does."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real server over a library of 24 songs, started as by `nohup`: (port, process)."""
    folder = tmp_path_factory.mktemp("served")
    store_library(folder / "songs.db", folder / "music")
    command = [sys.executable, str(ROOT / "run.py"), "serve", "--no-browser", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--db", str(folder / "songs.db")],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=ignore_hangup,
    )
    try:
        line = process.stderr.readline()
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield int(line.split("localhost:")[1].split("/")[0]), process
    finally:
        process.terminate()
        process.wait(timeout=20)


def ask(port, method, path, body=None, **headers):
    """Send a request; return (status, text)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body, headers, encode_chunked="Transfer-Encoding" in headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def drop(port, name, body, **headers):
    headers = {"Content-Type": "application/octet-stream"} | headers
    return ask(port, "POST", f"/uploads?name={name}", body, **headers)


def finished(port, name, body):
    """Drop a song, and wait until it is ready or has failed; return its state."""
    status, text = drop(port, name, body)
    assert status == 202, text
    until = time.monotonic() + PATIENCE_S
    while True:
        state = json.loads(ask(port, "GET", f"/uploads/{json.loads(text)['token']}")[1])
        if state["phase"] in ("ready", "failed"):
            return state
        assert time.monotonic() < until, state
        time.sleep(0.05)


@pytest.fixture(scope="module")
def lures(tmp_path_factory):
    """What no dropped file may make the server open: a WAV file, a FIFO, a listening socket."""
    folder = tmp_path_factory.mktemp("secret")
    time_s = np.arange(int(SECRET_S * 8000)) / 8000
    soundfile.write(folder / "secret.wav", 0.5 * np.sin(2 * np.pi * 440 * time_s), 8000)
    os.mkfifo(folder / "fifo.wav")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        yield folder / "secret.wav", folder / "fifo.wav", listener


@contextmanager
def nobody_opens(lures):
    """Fail if a program opens the FIFO to read it, or connects to the socket, while the block runs."""
    _, fifo, listener = lures
    ended, readers = threading.Event(), []

    def watch():
        while not ended.wait(0.01):
            try:
                os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))  # ENXIO if nobody reads.
                readers.append(fifo)
            except OSError:
                pass

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert not readers
    with pytest.raises(TimeoutError):
        listener.accept()


def lists(secret, fifo, address):
    """Return texts that name the secret, by kind."""
    names = (f"file:{secret}", str(secret), str(fifo), address)
    entries = "".join(f"#EXTINF:8,\n{name}\n" for name in names)
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:8\n#EXT-X-MEDIA-SEQUENCE:0\n{entries}#EXT-X-ENDLIST\n"
    return {
        "hls": hls,
        "hls, keys": hls.replace("#EXTINF", f'#EXT-X-KEY:METHOD=AES-128,URI="{address}"\n#EXTINF', 1),
        "hls, variants": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\n{address}\n#EXT-X-STREAM-INF:BANDWIDTH=8\n"
        f"{fifo}\n",
        "ffconcat": "ffconcat version 1.0\n" + "".join(f"file '{name}'\n" for name in names),
        "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT8S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>'
        f'<AdaptationSet mimeType="audio/wav"><Representation id="1" bandwidth="9">'
        f"<BaseURL>{address}</BaseURL></Representation></AdaptationSet></Period></MPD>",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        "pls": "[playlist]\n" + "".join(f"File{i}={name}\n" for i, name in enumerate(names, 1)),
        "asx": f'<asx version="3.0"><entry><ref href="{address}"/></entry></asx>',
        "cue": f'FILE "{secret}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
        "imf": '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">'
        "<Id>urn:uuid:1</Id></CompositionPlaylist>",
    }


def box(name, *content):
    data = b"".join(content)
    return struct.pack(">I4s", 8 + len(data), name) + data


def alias(target):
    """Return an entry of QuickTime's `dref`: the path of another file that holds the samples."""
    path = str(target).encode()
    name = target.name.encode()
    tags = b"".join(
        struct.pack(">HH", kind, len(text)) + text + b"\0" * (len(text) % 2)
        for kind, text in ((2, path), (18, path), (14, name))
    )
    head = b"\0" * 10 + b"\x01M" + b"\0" * 26 + b"\0" * 12 + bytes([len(name)]) + name.ljust(63, b"\0")
    return box(b"alis", bytes(4), head, bytes(16), struct.pack(">hh", 0, 0), bytes(16), tags, b"\xff\xff\0\0")


def mov_with_samples_elsewhere(target, path):
    """Return a MOV file whose samples are those of another file."""
    with av.open(path, "w", format="mov") as output:
        stream = output.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        frame.rate = 8000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    data = path.read_bytes()
    entry = data.index(b"url ", data.index(b"dref")) - 4
    new = alias(target)
    grown = len(new) - 12
    data = bytearray(data[:entry] + new + data[entry + 12 :])
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        start = data.rindex(name, 0, data.index(b"alis")) - 4
        data[start : start + 4] = struct.pack(">I", struct.unpack_from(">I", data, start)[0] + grown)
    return bytes(data)


def test_no_dropped_file_makes_the_server_read_another_file_or_connect(server, lures, tmp_path):
    secret, fifo, listener = lures
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/secret.wav"
    texts = {kind: text.encode() for kind, text in lists(secret, fifo, address).items()}
    id3 = b"ID3\x04\0\0\0\0\x02\0" + b"\0" * 256
    texts["hls behind a tag"] = id3 + texts["hls"]
    texts["ffconcat behind silence"] = bytes(4096) + texts["ffconcat"]
    with nobody_opens(lures):
        for number, (kind, text) in enumerate(texts.items()):
            name = "song" + (".mp3", ".m3u8", ".aac", ".ffconcat", ".wav", ".cue", ".mpd")[number % 7]
            state = finished(server[0], name, text)
            assert state["phase"] == "failed", (kind, state)
            assert re.fullmatch(r"song\.\w+ is not audio .*\.", state["error"]), (kind, state)
        for target in (secret, fifo):
            state = finished(server[0], "song.mov", mov_with_samples_elsewhere(target, tmp_path / "x.mov"))
            assert (state["phase"], state["duration_s"]) == ("failed", None)


def id3_bomb(path, *, megabytes):
    """Write an MP3 file whose tag unpacks to a picture of that size."""
    picture = zlib.compressobj(9)
    packed = b"".join(picture.compress(bytes(1 << 20)) for _ in range(megabytes)) + picture.flush()
    size = megabytes << 20

    def safe(number):
        return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))

    body = safe(size) + packed
    frame = b"APIC" + safe(len(body)) + b"\x00\x09" + body
    write_tone(path, seconds=1.0)
    path.write_bytes(b"ID3\x04\x00\x00" + safe(len(frame)) + frame + path.read_bytes())


def peak_megabytes(process):
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", text)[1]) >> 10


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the memory of a process")
def test_a_tag_that_unpacks_to_gigabytes_costs_the_server_no_memory(server, tmp_path):
    port, process = server
    before = peak_megabytes(process)
    id3_bomb(tmp_path / "bomb.mp3", megabytes=250)
    assert (tmp_path / "bomb.mp3").stat().st_size < 1 << 20
    finished(port, "bomb.mp3", (tmp_path / "bomb.mp3").read_bytes())
    assert peak_megabytes(process) < before + 100


def test_exactly_the_limit_is_accepted_and_one_byte_more_is_refused(server):
    status, text = drop(server[0], "zeros.wav", bytes(MAX_UPLOAD_BYTES))
    assert status == 202, text
    assert ask(server[0], "DELETE", f"/uploads/{json.loads(text)['token']}")[0] == 204
    for length in ({"Content-Length": str(MAX_UPLOAD_BYTES + 1)}, {"Transfer-Encoding": "chunked"}):
        try:
            status, text = drop(server[0], "zeros.wav", iter([bytes(MAX_UPLOAD_BYTES), b"x"]), **length)
        except ConnectionError:
            continue  # The server has refused the body before all of it was sent.
        assert status in (411, 413)


def test_a_server_started_by_nohup_goes_on_when_its_terminal_is_closed(server):
    port, process = server
    process.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    assert ask(port, "GET", "/healthz")[0] == 200
