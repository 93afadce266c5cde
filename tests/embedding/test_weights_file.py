"""Files that want to fill the memory, to hang the program, or to make it read other files."""

import os
import resource
import struct
import subprocess
import sys
import zlib

import h5py
import numpy as np
import pytest

from explorer.config import ROOT
from explorer.embedding.h5_weights import write_h5
from explorer.embedding.model_weights import load_weights, untrained_weights
from explorer.embedding.network import WEIGHT_SHAPES
from explorer.errors import WeightsError

MEMORY_BYTES = 4_000_000_000
PEAK_KIB = 400_000
ZEROS = bytes(50_000_000)
REPEATS = 200


def gzip_bomb(path):
    path.write_bytes(packed_zeros(wbits=31))


def packed_zeros(*, wbits):
    """Return 10 GB of zeros in 10 MB. After a full flush, zlib packs the same data into the same bytes."""
    packer = zlib.compressobj(wbits=wbits)
    first, second = (packer.compress(ZEROS) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + second * REPEATS


def endless_file(path):
    with path.open("wb") as file:
        file.truncate(10_000_000_000_000)


def pipe(path):
    os.mkfifo(path)


def device(path):
    path.symlink_to("/dev/zero")


def folder(path):
    path.mkdir()


def compressed_chunk(path):
    """Write a kernel whose chunk of 9 MB unpacks to 10 GB: zlib streams may be longer than their chunk."""
    edit_kernel(path, bomb_dataset)


def bomb_dataset(layer, name):
    dataset = layer.create_dataset(name, (3, 3, 512, 512), "<f4", chunks=(3, 3, 512, 512), compression="gzip")
    dataset.id.write_direct_chunk((0, 0, 0, 0), packed_zeros(wbits=15))


def edit_kernel(path, edit):
    write_h5(path, untrained_weights().arrays)
    with h5py.File(path, "r+") as file:
        layer = file["conv2d_8"]
        name = layer.attrs["weight_names"][0]
        del layer[name]
        edit(layer, name)


def many_references_to_a_long_name(path):
    """Write 1,000 names that all refer to the same 10 MB."""
    long_name = "x" * 10_000_000
    names = [f"layer_{number}" for number in range(999)]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [*names, long_name]
    content = bytearray(path.read_bytes())
    at = content.index(struct.pack("<I", len(long_name)))
    reference = content[at : at + 16]
    content[at - 999 * 16 : at] = reference * 999
    path.write_bytes(content)


def millions_of_arrays(path):
    write_h5(path, untrained_weights().arrays)
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = np.array([b"conv2d_8"] * 3000)
        file["conv2d_8"].attrs["weight_names"] = np.array([b"conv2d_8/kernel:0"] * 3000)


def long_attribute(path):
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs.create("layer_names", np.zeros(7_000_000, "S10"))


def external_link(path):
    with h5py.File(path.with_suffix(".secret"), "w") as secret:
        secret["kernel"] = np.ones((3, 3, 512, 512), np.float32)
    edit_kernel(
        path,
        lambda layer, name: layer.__setitem__(
            name, h5py.ExternalLink(str(path.with_suffix(".secret")), "/kernel")
        ),
    )


def external_storage(path):
    secret = path.with_suffix(".secret")
    secret.write_bytes(np.ones((3, 3, 512, 512), np.float32).tobytes())
    edit_kernel(
        path,
        lambda layer, name: layer.create_dataset(
            name, (3, 3, 512, 512), "<f4", external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
        ),
    )


def virtual_dataset(path):
    secret = path.with_suffix(".secret")
    with h5py.File(secret, "w") as file:
        file["kernel"] = np.ones((3, 3, 512, 512), np.float32)
    layout = h5py.VirtualLayout((3, 3, 512, 512), "<f4")
    layout[:] = h5py.VirtualSource(str(secret), "kernel", (3, 3, 512, 512))
    edit_kernel(path, lambda layer, name: layer.create_virtual_dataset(name, layout))


def soft_link(path):
    edit_kernel(path, lambda layer, name: layer.__setitem__(name, h5py.SoftLink("/conv2d_8/conv2d_8/bias:0")))


def texts(path):
    edit_kernel(path, lambda layer, name: layer.create_dataset(name, data=np.zeros((3, 3, 512, 512), "S4")))


def absent_data(path):
    """Write a shape of 4 TB; HDF5 stores no data before something is written."""
    edit_kernel(path, lambda layer, name: layer.create_dataset(name, (1_000_000, 1_000_000), "<f4"))


def onnx_of_many_parts(path):
    path.write_bytes(b"\x08\x07" * 39_000_000)


ATTACKS = [
    gzip_bomb,
    endless_file,
    pipe,
    device,
    folder,
    compressed_chunk,
    many_references_to_a_long_name,
    millions_of_arrays,
    long_attribute,
    external_link,
    external_storage,
    virtual_dataset,
    soft_link,
    texts,
    absent_data,
    onnx_of_many_parts,
]

LOAD = """
import re, sys
from pathlib import Path
from explorer.embedding.model_weights import load_weights
from explorer.errors import WeightsError
for name in sys.argv[1:]:
    try:
        load_weights(Path(name))
        print(name, "was read")
    except WeightsError as error:
        print(str(error))
# Not `ru_maxrss`, which a new process inherits from the one that starts it.
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def test_no_file_fills_the_memory_hangs_or_reads_another_file(tmp_path):
    paths = [tmp_path / attack.__name__ for attack in ATTACKS]
    for path, attack in zip(paths, ATTACKS, strict=True):
        attack(path)

    def limit_memory():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    command = [sys.executable, "-c", LOAD, *map(str, paths)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        preexec_fn=limit_memory,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.stderr == ""
    *lines, peak_kib = result.stdout.splitlines()
    assert int(peak_kib) < PEAK_KIB
    for path, line in zip(paths, lines, strict=True):
        assert f"'{path}'" in line
        assert line.endswith(".")
        assert ". " not in line


@pytest.mark.parametrize("chunks", [None, (3, 3, 64, 512)])
def test_only_plain_arrays_are_read(tmp_path, chunks):
    path = tmp_path / "w.h5"
    edit_kernel(path, lambda layer, name: layer.create_dataset(name, WEIGHT_SHAPES[-2], "<f8", chunks=chunks))
    if chunks is None:
        assert not load_weights(path).arrays[-2].any()
        assert load_weights(path).arrays[-2].dtype == np.float32
    else:
        with pytest.raises(WeightsError, match="not a complete Keras HDF5"):
            load_weights(path)
