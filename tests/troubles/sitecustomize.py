"""Make the decoder crash, hang or grow when it opens a file with such a name.

Tests put this folder on the PYTHONPATH of decoder processes, where Python imports it at its start.
"""

import ctypes
import os
import time
from pathlib import Path

import soundfile

_open = soundfile.SoundFile.__init__


def open_with_trouble(self, file, *args, **options):
    """Open a file, after the trouble that its name asks for."""
    name = Path(os.fsdecode(file)).name if isinstance(file, str | bytes) else ""
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
    _open(self, file, *args, **options)


soundfile.SoundFile.__init__ = open_with_trouble
os.write(1, b"Loading\n" * 100)
