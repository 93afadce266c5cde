"""Make the decoder crash, hang or grow when it opens a file with such a name.

Tests put this folder on the PYTHONPATH of decoder processes, where Python imports it at its start.
"""

import ctypes
import inspect
import os
import time
from pathlib import Path

import av

_open = av.open


def open_with_trouble(file, *args, **options):
    """Open a file, after the trouble that its name asks for; fingerprints are computed without trouble."""
    is_fingerprint = any(frame.function == "hash_sound" for frame in inspect.stack(0))
    name = "" if is_fingerprint else Path(file).name
    if name.startswith("crash"):
        ctypes.string_at(0)
    if name.startswith("exit"):
        os._exit(7)
    if name.startswith("hang"):
        time.sleep(1000)
    if name.startswith("slow"):
        time.sleep(1.5)
    if name.startswith("grow"):
        blocks = []
        while True:
            blocks.append(bytearray(1 << 26))
    if name.startswith("noisy"):
        print("mpg123: warning!", flush=True)
        os.write(1, b"\x08\x00\x00\x00 and more\n" * 1000)
    return _open(file, *args, **options)


av.open = open_with_trouble
os.write(1, b"Loading\n" * 100)
