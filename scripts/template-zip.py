"""Makes a function's zip smaller: template-zip.py BOOTSTRAP.ZIP

Zopfli finds a shorter deflate stream than the usual compressors, by a twenty-fifth; it takes half
a minute for it, and whatever unpacks the zip notices nothing. A zip of one file, as
cargo-lambda writes it; the time in it is fixed, so that the same binary is the same zip.
"""

import struct
import sys
import zipfile
import zlib
from pathlib import Path

from zopfli.zlib import compress

VERSION = 20
DEFLATED = 8
# 1980-01-01, the first day that a zip can name.
DATE = (1 << 5) | 1
UNIX = 3
EXECUTABLE = 0o100755 << 16


def smaller(name: str, data: bytes) -> bytes:
    """A zip of one executable file. See PKWARE's APPNOTE, 4.3.7, 4.3.12 and 4.3.16."""
    # What is between the header of zlib and its checksum.
    packed = compress(data, numiterations=15)[2:-4]
    encoded = name.encode()
    common = struct.pack(
        "<HHHHHIIIHH",
        VERSION, 0, DEFLATED, 0, DATE, zlib.crc32(data), len(packed), len(data), len(encoded), 0,
    )
    local = b"PK\x03\x04" + common + encoded + packed
    central = (
        struct.pack("<4sBB", b"PK\x01\x02", VERSION, UNIX)
        + common
        + struct.pack("<HHHII", 0, 0, 0, EXECUTABLE, 0)
        + encoded
    )
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def main(path: Path) -> None:
    with zipfile.ZipFile(path) as before:
        (entry,) = before.infolist()
        data = before.read(entry)
    zipped = smaller(entry.filename, data)
    if len(zipped) < path.stat().st_size:
        path.write_bytes(zipped)
    with zipfile.ZipFile(path) as after:
        if after.read(entry.filename) != data:
            sys.exit(f"package: {path} does not unpack to what went in")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
