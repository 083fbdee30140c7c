#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many pixels a PNG has of each colour, most first: "COUNT RRGGBB". 8 bits a channel, not interlaced.

usage: png_colours.py FILE (- is standard input)
"""
import collections
import struct
import sys
import zlib


def chunks(data):
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        yield kind, data[at + 8:at + 8 + length]
        at += 12 + length


def paeth(left, up, corner):
    estimate = left + up - corner
    by_left, by_up, by_corner = abs(estimate - left), abs(estimate - up), abs(estimate - corner)
    if by_left <= by_up and by_left <= by_corner:
        return left
    return up if by_up <= by_corner else corner


def unfilter(kind, row, before, size):
    for i in range(len(row)):
        left = row[i - size] if i >= size else 0
        corner = before[i - size] if i >= size else 0
        row[i] = (row[i] + (0, left, before[i], (left + before[i]) // 2,
                            paeth(left, before[i], corner))[kind]) & 255


def colours(data):
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("no PNG")
    parts = collections.defaultdict(bytes)
    for kind, body in chunks(data):
        parts[kind] += body
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", parts[b"IHDR"][:13])
    size = {2: 3, 3: 1, 6: 4}.get(colour)
    if depth != 8 or interlaced or size is None:
        raise ValueError("a kind of PNG that is not read here")
    rows, found, before = zlib.decompress(parts[b"IDAT"]), collections.Counter(), bytearray(width * size)
    for y in range(height):
        at = y * (1 + width * size)
        row = bytearray(rows[at + 1:at + 1 + width * size])
        unfilter(rows[at], row, before, size)
        before = row
        for x in range(0, len(row), size):
            pixel = parts[b"PLTE"][3 * row[x]:3 * row[x] + 3] if colour == 3 else row[x:x + 3]
            found[bytes(pixel)] += 1
    return found


def main():
    stream = sys.stdin.buffer if sys.argv[1] == "-" else open(sys.argv[1], "rb")
    with stream:
        for pixel, count in colours(stream.read()).most_common():
            print(count, pixel.hex())


if __name__ == "__main__":
    main()
