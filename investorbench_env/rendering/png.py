"""Pixels as a PNG file (ISO/IEC 15948), without a library for pictures."""

import struct
import zlib

import numpy as np
import numpy.typing as npt

SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGB, DEPTH = 2, 8
UP = 2
"""The filter that leaves of a row what differs from the one above: little, in a chart."""


def png_of(pixels: npt.NDArray[np.uint8]) -> bytes:
    """The file of a picture, red, green and blue [height, width, 3]."""
    height, width, _ = pixels.shape
    rows = np.ascontiguousarray(pixels).reshape(height, 3 * width)
    filtered = np.full((height, 1 + 3 * width), UP, dtype=np.uint8)
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])  # modulo 256, as the format has it
    header = struct.pack(">IIBBBBB", width, height, DEPTH, RGB, 0, 0, 0)
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(filtered.tobytes(), 6), b"IEND": b""}
    return SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks.items())


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
