"""On a decoding process's PYTHONPATH: opening a file does to it what the file's name says."""

import ctypes
import os
import time
from pathlib import Path

import soundfile

_open = soundfile.SoundFile.__init__


def troubled(self, file, *args, **options):
    """Open a file, or crash, hang or grow."""
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
        held = []
        while True:
            held.append(bytearray(1 << 26))
    if name.startswith("noisy"):
        print("mpg123: warning!", flush=True)
        os.write(1, b"\x08\x00\x00\x00 and more\n" * 1000)
    _open(self, file, *args, **options)


soundfile.SoundFile.__init__ = troubled
os.write(1, b"Loading\n" * 100)
