#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures plans of grappe plan --instance; called by plan.sh.

usage: plan_bench.py GRAPPE DATA GENERATOR FOLDER [part...]
"""
import json
import random
import resource
import shutil
import subprocess
import sys

SEEDS = (1, 2, 3)
NAMES = {"time": "time", "money": "cost", "resource": "resources"}
# Reference, measured on another machine: group moves and local search on the same instance.
REFERENCE = {("n10ke16-1a", "time"): 84986, ("n10ke16-1a", "cost"): 11107,
             ("n100ke32-1a", "time"): 873000, ("n100ke32-1a", "cost"): 125000}


def table(path):
    with open(path, encoding="ascii") as file:
        lines = [line.rstrip("\n").split("\t") for line in file if line.strip()]
    return [dict(zip(lines[0], line + [""] * 20)) for line in lines[1:]]


class Bench:
    def __init__(self, grappe, data, generator, folder):
        self.grappe, self.data, self.generator, self.folder = grappe, data, generator, folder
        self.none = folder + "/none.conf"
        with open(self.none, "w", encoding="ascii"):
            pass

    def run(self, path, objective, seed, *more):
        """The answer, CPU seconds, and the largest memory of all runs so far in MB."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([self.grappe, "plan", "--config", self.none, "--instance", path, "--objective", objective,
                               "--seed", str(seed), "--format", "json", *more], stdout=subprocess.PIPE, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return json.loads(done.stdout), cpu, after.ru_maxrss / 1024

    def generate(self, name, vms, envs, seed, variant):
        path = self.folder + "/" + name
        subprocess.run([sys.executable, self.generator, path, str(vms), str(envs), str(seed), variant], check=True)
        return path

    def optima(self):
        """Gap to proven optima: all moves free, and few."""
        gaps = {}
        for file in ("opt.tsv", "opt50.tsv"):
            for row in table("%s/%s" % (self.data, file)):
                if row["status"] != "optimal":
                    continue
                most = () if row["K_moves"] == "-1" else ("--max-moves", row["K_moves"])
                for seed in SEEDS:
                    answer, cpu, _ = self.run(self.data + "/" + row["instance"], NAMES[row["obj"]], seed, *most)
                    key = NAMES[row["obj"]], "few moves" if most else "free"
                    gap = 100 * (answer["objective"]["after"] / float(row["objective"]) - 1)
                    gaps.setdefault(key, []).append((gap, cpu))
        print("gap to the proven optimum | plans | mean % | worst % | CPU s")
        for (objective, moves), seen in sorted(gaps.items()):
            print("%s, %s | %d | %.3f | %.3f | %.2f" %
                  (objective, moves, len(seen), sum(g for g, _ in seen) / len(seen), max(g for g, _ in seen),
                   sum(c for _, c in seen) / len(seen)))

    def known(self):
        """The best that annealing is known to find, in 15 CPU seconds."""
        best = {}
        for row in table(self.data + "/best_known.tsv"):
            if row["instance"] == "n200e6-1a":
                objective = NAMES[row["obj"]]
                value = float(row["Jtime_h" if objective == "time" else "Jmoney"])
                best[objective] = min(value, best.get(objective, value))
        print("n200e6-1a | best known | least | mean | most | CPU s")
        for objective, value in best.items():
            seen = [self.run(self.data + "/n200e6-1a", objective, seed) for seed in SEEDS]
            self.spread("%s | %.6g" % (objective, value), seen)

    def spread(self, label, seen):
        values = [answer["objective"]["after"] for answer, _, _ in seen]
        print("%s | %.6g | %.6g | %.6g | %.1f" % (label, min(values), sum(values) / len(values), max(values),
                                                sum(cpu for _, cpu, _ in seen) / len(seen)))

    def large(self):
        """How cost grows with the number of VMs."""
        print("instance, objective | flows | reference | least | mean | most | CPU s")
        for name, vms, envs in (("n1ke8-1a", 1000, 8), ("n10ke16-1a", 10000, 16), ("n100ke32-1a", 100000, 32)):
            path = self.generate(name, vms, envs, 1, "a")
            with open(path + "/traffic.tsv", encoding="ascii") as file:
                flows = sum(1 for _ in file) - 1
            for objective in ("time", "cost"):
                seen = [self.run(path, objective, seed) for seed in (SEEDS if vms < 100000 else SEEDS[:2])]
                self.spread("%s %s | %d | %s" % (name, objective, flows, REFERENCE.get((name, objective), "-")), seen)
            print("largest memory so far: %.0f MB" % seen[-1][2])
            shutil.rmtree(path)

    def displaced(self):
        """5 % of well-placed VMs are moved elsewhere: what a plan of as many moves brings back."""
        print("5 % displaced | least % | mean % | most %, of what was lost")
        for vms, envs in ((200, 6), (1000, 8)):
            for objective in ("time", "cost"):
                back = [self.bring_back(vms, envs, objective, seed) for seed in SEEDS]
                print("%d VMs, %s | %.1f | %.1f | %.1f" % (vms, objective, min(back), sum(back) / len(back), max(back)))

    def bring_back(self, vms, envs, objective, seed):
        path = self.generate("d", vms, envs, 50 + seed, "a")
        good = self.run(path, objective, 1, "--time-limit", "5")[0]
        rows, rand = table(path + "/vms.tsv"), random.Random(seed)
        room = [float(row["cap_vcpu"]) for row in table(path + "/envs.tsv")]
        memory = [float(row["cap_mem_gb"]) for row in table(path + "/envs.tsv")]
        ends = [float(row["avail_h"]) for row in table(path + "/envs.tsv")]
        for row in rows:
            row["cur_env"] = str(good["placement"][row["vm"]])
            room[int(row["cur_env"])] -= float(row["vcpu"])
            memory[int(row["cur_env"])] -= float(row["mem_gb"])
        self.write_vms(path, rows)
        settled = self.run(path, objective, 1, "--max-moves", "0", "--time-limit", "1")[0]["objective"]["before"]
        count = 0
        for row in rand.sample(rows, len(rows)):
            where = [e for e in range(envs) if e != int(row["cur_env"]) and ends[e] < 0 and
                     room[e] >= float(row["vcpu"]) and memory[e] >= float(row["mem_gb"])]
            if not where or count == vms // 20:
                continue
            to = rand.choice(where)
            for env, sign in ((int(row["cur_env"]), 1), (to, -1)):
                room[env] += sign * float(row["vcpu"])
                memory[env] += sign * float(row["mem_gb"])
            row["cur_env"] = str(to)
            count += 1
        self.write_vms(path, rows)
        mended = self.run(path, objective, seed, "--max-moves", str(count))[0]["objective"]
        shutil.rmtree(path)
        return 100 * (mended["before"] - mended["after"]) / (mended["before"] - settled)

    @staticmethod
    def write_vms(path, rows):
        names = ("vm", "vcpu", "mem_gb", "dirty_MBps", "work_h", "cur_env")
        with open(path + "/vms.tsv", "w", encoding="ascii") as file:
            file.write("\t".join(names) + "\n")
            file.writelines("\t".join(row[name] for name in names) + "\n" for row in rows)


def main():
    bench = Bench(*sys.argv[1:5])
    for part in sys.argv[5:] or ("optima", "known", "large", "displaced"):
        getattr(bench, part)()
        sys.stdout.flush()


main()
