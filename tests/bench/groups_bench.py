#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares grouping methods on planted groups; called by groups.sh.

usage: groups_bench.py PEER GENERATOR FOLDER [--by octets|packets] [--sizes "1000 ..."] [--first-seed N]
"""
import argparse
import shutil
import subprocess
import sys

SEEDS = {1000: 5, 10000: 3, 100000: 1}
ENVIRONMENTS = {1000: 8, 10000: 16, 100000: 32}  # those of the planning instances: the draws depend on them
SECONDS = 30  # of a matrix; traffic of instances is a rate


def rows(path):
    with open(path, encoding="ascii") as file:
        next(file)
        for line in file:
            yield line.split()


def write_input(path):
    """The traffic as a matrix file, and the planted groups."""
    with open(path + "/matrix.csv", "w", encoding="ascii") as out:
        out.write("src,dst,packets,bytes\n")
        for source, receiver, packets, octets in rows(path + "/traffic.tsv"):
            out.write("vm%s,vm%s,%.3f,%.3f\n" %
                      (source, receiver, SECONDS * float(packets), SECONDS * float(octets)))
    with open(path + "/truth", "w", encoding="ascii") as out:
        for row in rows(path + "/vms.tsv"):
            out.write("vm%s %s\n" % (row[0], row[-1]))


def measure(arguments, size, variant, seed):
    """(method, agreement, CPU s) of each method."""
    path = arguments.folder + "/instance"
    subprocess.run([sys.executable, arguments.generator, path, str(size),
                    str(ENVIRONMENTS.get(size, 8)), str(seed), variant], check=True)
    write_input(path)
    answer = subprocess.run([arguments.peer, path + "/matrix.csv", path + "/truth", arguments.by],
                            stdout=subprocess.PIPE, check=True, encoding="ascii").stdout
    shutil.rmtree(path)
    lines = [line.split("\t") for line in answer.splitlines()]
    return [(line[0], float(line[1]), float(line[2])) for line in lines]


def spread(values, digits):
    mean = sum(values) / len(values)
    if len(values) == 1:
        return "%.*f" % (digits, mean)
    return "%.*f (%.*f to %.*f)" % (digits, mean, digits, min(values), digits, max(values))


def main():
    parser = argparse.ArgumentParser()
    for name in ("peer", "generator", "folder"):
        parser.add_argument(name)
    parser.add_argument("--by", default="octets", choices=("octets", "packets"))
    parser.add_argument("--sizes", default="1000 10000 100000")
    parser.add_argument("--first-seed", type=int, default=1)
    arguments = parser.parse_args()
    print("| VMs | seeds | method | adjusted Rand index | CPU s |\n|---|---|---|---|---|")
    for size in map(int, arguments.sizes.split()):
        for variant, name in (("a", "clean"), ("b", "noisy")):
            seen = {}
            count = SEEDS.get(size, 1)
            for seed in range(arguments.first_seed, arguments.first_seed + count):
                for method, agreement, cpu in measure(arguments, size, variant, seed):
                    seen.setdefault(method, []).append((agreement, cpu))
            for method, values in seen.items():
                print("| %s %s | %d | %s | %s | %s |" %
                      (format(size, ","), name, count, method, spread([v[0] for v in values], 3),
                       spread([v[1] for v in values], 3 if size < 100000 else 1)))
            sys.stdout.flush()


main()
