"""Content that is long, or becomes long when it is decoded. It sends nothing."""

import base64
import gzip
import random
import struct
import zlib

MIB = 1 << 20

#: 64 MiB of blanks in Brotli, which Python cannot make by itself.
BROTLI_BOMB = base64.b64decode("z///f/glQOKxQCD3/p/////wSwDEYQGA7v0/////4ZcAiMMiAN37f/7//8MvARCHBQC69/8D")


def numbers(total, piece=256 << 10):
    """A JSON array of about so many bytes, in pieces."""
    yield b"["
    row = b'{"id":12345,"name":"a record of a portal"},'
    block = row * (piece // len(row))
    for _ in range(total // len(block)):
        yield block
    yield b"0]"


def gzip_bomb(total=256 * MIB):
    """Blanks of so many bytes; about a thousandth of it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b" " * MIB
    return b"".join(packer.compress(block) for _ in range(total // MIB)) + packer.flush()


def gzip_members(total=64 * MIB):
    """The same in members of a mebibyte each."""
    return gzip.compress(b" " * MIB, 9) * (total // MIB)


def deflate_bomb(total=256 * MIB):
    return zlib.compress(b" " * total, 9)


def zstd_bomb(total=256 * MIB):
    """One frame of blocks that repeat one byte, 128 KiB in four bytes each (RFC 8878)."""
    # No checksum, no length of the content, a window of 1 MiB.
    head = struct.pack("<IBB", 0xFD2FB528, 0x00, (20 - 10) << 3)
    size = 128 << 10
    block = struct.pack("<I", size << 3 | 1 << 1)[:3] + b" "
    last = struct.pack("<I", size << 3 | 1 << 1 | 1)[:3] + b" "
    return head + block * (total // size - 1) + last


def just_too_long(total=40 * MIB):
    """JSON that compresses to half, so that only the limit on its length ends it."""
    values = random.Random(1)
    # Longer than what gzip looks back to, so that it may be repeated.
    block = b"".join(b'"%s",' % values.randbytes(60).hex().encode() for _ in range(1000))
    return gzip.compress(b"[" + block * (total // len(block)) + b"0]", 1)
