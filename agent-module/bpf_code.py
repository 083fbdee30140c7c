#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the programs of a BPF object file (ELF, as clang -target bpf makes it) as a C header.

usage: bpf_code.py OBJECT PROGRAM... >bpf_code.h

Each PROGRAM is the name of a section that holds one program. References to maps are listed with the
place of the instruction and the map's name; the loader puts descriptors in.
"""
import struct
import sys

SECTION_SYMBOLS, SECTION_RELOCATIONS = 2, 9
RELOCATION_MAP = 1  # R_BPF_64_64


def text_at(table, offset):
    return table[offset : table.index(b"\0", offset)].decode()


def read_sections(data):
    start, = struct.unpack_from("<Q", data, 0x28)
    size, count, names_index = struct.unpack_from("<HHH", data, 0x3A)
    sections = []
    for i in range(count):
        name, kind, _, _, offset, length, link, info, _, _ = struct.unpack_from(
            "<IIQQQQIIQQ", data, start + i * size
        )
        sections.append({"name": name, "kind": kind, "link": link, "info": info,
                         "bytes": data[offset : offset + length] if kind != 8 else b""})
    names = sections[names_index]["bytes"]
    for section in sections:
        section["name"] = text_at(names, section["name"])
    return sections


def symbol_names(sections, table):
    names = sections[table["link"]]["bytes"]
    return [text_at(names, struct.unpack_from("<I", table["bytes"], i)[0])
            for i in range(0, len(table["bytes"]), 24)]


def references(sections, program):
    found = []
    for section in sections:
        if section["kind"] != SECTION_RELOCATIONS or section["info"] != program:
            continue
        symbols = symbol_names(sections, sections[section["link"]])
        for i in range(0, len(section["bytes"]), 16):
            offset, info = struct.unpack_from("<QQ", section["bytes"], i)
            if info & 0xFFFFFFFF != RELOCATION_MAP:
                sys.exit(f"relocation of kind {info & 0xFFFFFFFF} in {sections[program]['name']}")
            found.append((offset // 8, symbols[info >> 32]))
    return found


def print_program(sections, name):
    program = next(i for i, section in enumerate(sections) if section["name"] == name)
    code = sections[program]["bytes"]
    words = [f"0x{word:016x}" for (word,) in struct.iter_unpack("<Q", code)]
    print(f"\nstatic const uint64_t {name}_code[] = {{")
    for i in range(0, len(words), 4):
        print("    " + ", ".join(words[i : i + 4]) + ",")
    print("};")
    print(f"\nstatic const struct bpf_reference {name}_references[] = {{")
    for place, symbol in references(sections, program):
        print(f'    {{{place}, "{symbol}"}},')
    print("};")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    if data[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", data, 18)[0] != 247:
        sys.exit(f"{sys.argv[1]} is no little-endian BPF object file")
    print("/* SPDX-License-Identifier: GPL-2.0-or-later */")
    print("/* Made from the .bpf.c file beside this by \"make regenerate-bpf\": not to be edited. */")
    print("/* clang-format off */")
    print("struct bpf_reference {\n\tuint32_t place; /* of the instruction */\n\tconst char *map;\n};")
    sections = read_sections(data)
    for name in sys.argv[2:]:
        print_program(sections, name)


main()
