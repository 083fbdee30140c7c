#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges plans of grappe plan --instance without any of its code: reads the tables itself, works out
time, cost, resources and makespan from their formulas, and takes the moves step by step.

usage: plan_judge.py GRAPPE DATA GENERATOR FOLDER

With GRAPPE_TESTS=short in the environment it judges a quarter of the instances, with the same rigour.
"""
import itertools
import json
import os
import random
import subprocess
import sys

EPS = 1e-6
PART = 4 if os.environ.get("GRAPPE_TESTS") == "short" else 1
RULES = ("pin", "apart", "together", "sameaddr", "drain", "quota", "scope")


def table(path):
    with open(path, encoding="ascii") as file:
        lines = [line.rstrip("\n").split("\t") for line in file if line.strip()]
    return [dict(zip(lines[0], line + [""] * 9)) for line in lines[1:]]


class Instance:
    """The tables of a folder, and what a placement costs."""

    def __init__(self, folder):
        meta = {row["key"]: row["value"] for row in table(folder + "/meta.tsv")}
        self.horizon = float(meta["horizon_h"])
        self.sigma = float(meta["sync_fraction"])
        self.envs = [{k: float(v) for k, v in row.items() if k != "kind" and v != ""}
                     for row in table(folder + "/envs.tsv")]
        self.links = {(int(r["from"]), int(r["to"])): (float(r["latency_ms"]), float(r["bandwidth_MBps"]),
                                                      float(r["price_per_GB"]))
                      for r in table(folder + "/links.tsv")}
        self.vms = [{k: float(v) for k, v in row.items() if v != ""} for row in table(folder + "/vms.tsv")]
        self.now = [int(vm["cur_env"]) for vm in self.vms]
        self.flows = [(int(r["src"]), int(r["dst"]), float(r["packets_s"]), float(r["bytes_s"]))
                      for r in table(folder + "/traffic.tsv")]

    def volume_mb(self, vm, bandwidth):
        memory = 1024 * self.vms[vm]["mem_gb"]
        ratio = self.vms[vm]["dirty_MBps"] / bandwidth
        if ratio >= 1:
            return 3 * memory
        sent, last, rounds = 0.0, memory, 0
        while last >= 64 and rounds < 30:
            sent += last
            last *= ratio
            rounds += 1
        return sent + last

    def totals(self, place):
        hours, money = [], 0.0
        for vm, env in enumerate(place):
            own = self.vms[vm]["work_h"] / self.envs[env]["power"]
            if env != self.now[vm]:
                _, bandwidth, price = self.links[self.now[vm], env]
                volume = self.volume_mb(vm, bandwidth)
                own += 0.1 * volume / bandwidth / 3600
                money += volume / 1000 * price
            hours.append(own)
        for src, dst, packets, octets in self.flows:
            latency, bandwidth, price = self.links[place[src], place[dst]]
            hours[dst] += self.horizon * (packets * self.sigma * latency / 1000 + octets / 1e6 / bandwidth)
            money += octets * self.horizon * 3600 / 1e9 * price
        money += sum(self.vms[vm]["vcpu"] * self.envs[env]["price_vcpu_h"] * hours[vm]
                     for vm, env in enumerate(place))
        moved = sum(env != now for env, now in zip(place, self.now))
        return {"time_h": sum(hours), "cost": money, "makespan_h": max(hours),
                "resources": sum(self.envs[e]["cap_vcpu"] for e in set(place)) + 0.001 * moved}


class Bounds:
    """What placements must keep: the facts of an instance and the rules of a file."""

    def __init__(self, instance, path):
        self.instance = instance
        self.pairs, self.units = [], []
        self.vcpu = [env["cap_vcpu"] for env in instance.envs]
        self.allowed = []
        rules = [(r["rule"], r["a"], r["b"]) for r in table(path)] if path else []
        scope = {int(a) for rule, a, _ in rules if rule == "scope"}
        for vm, now in enumerate(instance.now):
            if scope and vm not in scope:
                self.allowed.append({now})
                continue
            work = instance.vms[vm]["work_h"]
            self.allowed.append({e for e, env in enumerate(instance.envs)
                                 if env["avail_h"] < 0 or work / env["power"] * 1.1 <= env["avail_h"]})
        for rule, a, b in rules:
            if rule == "pin" and (not scope or int(a) in scope):
                self.allowed[int(a)] &= {int(b)}
            elif rule == "drain":
                for vm, allowed in enumerate(self.allowed):
                    if not scope or vm in scope:
                        allowed.discard(int(a))
            elif rule in ("apart", "sameaddr"):
                self.pairs.append((int(a), int(b)))
            elif rule == "together":
                self.units.append((int(a), int(b)))
            elif rule == "quota":
                self.vcpu[int(a)] = min(self.vcpu[int(a)], float(b))

    def faults(self, place):
        """What a placement violates, and by how much."""
        found = {}
        for e, env in enumerate(self.instance.envs):
            inside = [vm for vm, at in enumerate(place) if at == e]
            for what, limit in (("vcpu", self.vcpu[e]), ("mem_gb", env["cap_mem_gb"])):
                over = sum(self.instance.vms[vm][what] for vm in inside) - limit
                if over > EPS:
                    found[what, e] = over
        found.update({("VM", vm): 1 for vm, at in enumerate(place) if at not in self.allowed[vm]})
        found.update({("apart", v, w): 1 for v, w in self.pairs if place[v] == place[w]})
        found.update({("together", v, w): 1 for v, w in self.units if place[v] != place[w]})
        return found

    def worse(self, before, after):
        return [what for what, by in after.items() if by > before.get(what, 0) + EPS]

    def concerned(self, faults, kinds=("vcpu", "mem_gb", "VM", "apart", "together")):
        """VMs that violations of these kinds give a reason to move."""
        vms = set()
        for what in faults:
            if what[0] in kinds and what[0] in ("vcpu", "mem_gb"):
                vms |= {vm for vm, at in enumerate(self.instance.now) if at == what[1]}
            elif what[0] in kinds:
                vms |= set(what[1:])
        grown = True
        while grown:  # with those who must be together
            more = {v for pair in self.units for v in pair if vms & set(pair)} - vms
            vms |= more
            grown = bool(more)
        return vms


class Judge:
    def __init__(self, grappe, folder):
        self.grappe, self.folder = grappe, folder
        self.slower = 1  # than programs without instruments: times are multiplied
        self.checked, self.failed, self.parked, self.none = 0, 0, 0, 0
        with open(folder + "/none.conf", "w", encoding="ascii"):
            pass

    def fail(self, name, what):
        self.failed += 1
        print("FAILED %s: %s" % (name, what))

    def run(self, path, objective, rules=None, most=None, limit=0.2, seed=1, more=()):
        command = [self.grappe, "plan", "--config", self.folder + "/none.conf", "--instance", path, "--objective", objective,
                   "--time-limit", str(limit * self.slower), "--seed", str(seed), "--format", "json"]
        command += ["--rules", rules] if rules else []
        command += ["--max-moves", str(most)] if most is not None else []
        command += more
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        answer = json.loads(done.stdout) if done.returncode in (0, 2) else {"status": done.stderr}
        return done.returncode, answer

    def measure(self, path):
        """A program whose time runs out long before its work is done gets more time."""
        for self.slower in (1, 2, 5):
            if not self.run(path, "time", limit=0.2)[1]["late"]:
                return

    def take_steps(self, name, bounds, moves):
        """Replays the moves; returns where all end."""
        place = list(bounds.instance.now)
        faults = bounds.faults(place)
        forced_vms = bounds.concerned(faults)
        steps = [list(group) for _, group in itertools.groupby(moves, key=lambda m: m["step"])]
        for number, step in enumerate(steps):
            if step[0]["step"] != number + 1:
                self.fail(name, "step %d is called %d" % (number + 1, step[0]["step"]))
            for move in step:
                if place[move["vm"]] != move["from"] or move["from"] == move["to"]:
                    self.fail(name, "VM %d is not in %d" % (move["vm"], move["from"]))
            if not any(move["vm"] in forced_vms for move in step):
                self.see_waiting(name, bounds, place, faults, steps[number + 1:])
            for move in step:
                place[move["vm"]] = move["to"]
            after = bounds.faults(place)
            worse = bounds.worse(faults, after)
            if worse:
                self.fail(name, "step %d adds %s" % (number + 1, worse[0]))
            faults = after
        return place, faults

    def see_waiting(self, name, bounds, place, faults, later):
        """A voluntary step comes now: no later step that mends something was possible."""
        for step in later:
            after = list(place)
            if any(place[move["vm"]] != move["from"] or move["parking"] for move in step):
                continue
            for move in step:
                after[move["vm"]] = move["to"]
            mended = bounds.faults(after)
            if not bounds.worse(faults, mended) and len(mended) < len(faults):
                self.fail(name, "step %d mends and could come earlier" % step[0]["step"])
                return

    def count_voluntary(self, bounds, moves):
        """Moves of VMs that no violation concerns."""
        must = bounds.concerned(bounds.faults(bounds.instance.now))
        return sum(move["vm"] not in must for move in moves)

    def see_limit(self, name, bounds, moves, most, again):
        """Mending may take more moves than are allowed, but then no more than it takes anyway."""
        count = self.count_voluntary(bounds, moves)
        if count > most and bounds.faults(bounds.instance.now):
            most = self.count_voluntary(bounds, again()["moves"])
        if count > most:
            self.fail(name, "%d voluntary moves, of %d" % (count, most))

    def see_numbers(self, name, bounds, place, answer, objective):
        key = "time_h" if objective == "time" else objective
        for when, where in (("after", place), ("before", bounds.instance.now)):
            totals = bounds.instance.totals(where)
            told = dict(answer if when == "after" else answer["before"])
            told["objective"] = answer["objective"][when]
            totals["objective"] = totals[key]
            for what, value in totals.items():
                if abs(told[what] - value) > 1e-6 * (1 + abs(value)):
                    self.fail(name, "%s %s is %g, not %g" % (what, when, value, told[what]))
        if not bounds.faults(bounds.instance.now) and \
                answer["objective"]["after"] > answer["objective"]["before"] * (1 + 1e-9):
            self.fail(name, "worse than staying")

    def judge(self, name, path, objective, rules=None, most=None, **options):
        """Runs and judges; returns the value of the objective, or None when there is no plan."""
        instance = Instance(path)
        bounds = Bounds(instance, rules)
        code, answer = self.run(path, objective, rules, most, **options)
        self.checked += 1
        if code not in (0, 2) or (answer["status"] == "ok") != (code == 0):
            self.fail(name, "exit code %d, %s" % (code, answer["status"]))
            return None
        if code == 2:
            self.none += 1
            if len(answer["reason"]) < 10 or answer["moves"] or answer["placement"]:
                self.fail(name, "no plan, and no reason")
            return None
        place, faults = self.take_steps(name, bounds, answer["moves"])
        if faults:
            self.fail(name, "left at the end: %s" % sorted(faults)[0].__repr__())
        if answer["placement"] != {str(vm): env for vm, env in enumerate(place)}:
            self.fail(name, "the placement is not where the moves lead")
        self.see_numbers(name, bounds, place, answer, objective)
        if most is not None:
            self.see_limit(name, bounds, answer["moves"], most,
                           lambda: self.run(path, objective, rules, 0, **options)[1])
        self.parked += any(move["parking"] for move in answer["moves"])
        return answer["objective"]["after"]


def reachable(bounds):
    """Placements without a violation that single moves lead to, none of which adds or worsens one."""
    instance, units = bounds.instance, []
    for vm in range(len(instance.now)):
        linked = [unit for unit in units if any(vm in pair and set(pair) & unit for pair in bounds.units)]
        units = [unit for unit in units if unit not in linked] + [set().union({vm}, *linked)]
    start = tuple(instance.now)
    faults, queue = {start: bounds.faults(start)}, [start]
    for place in queue:
        for unit, to in itertools.product(units, range(len(instance.envs))):
            for origin in {place[vm] for vm in unit} - {to}:
                after = tuple(to if vm in unit and at == origin else at for vm, at in enumerate(place))
                if after not in faults:
                    found = bounds.faults(after)
                    if bounds.worse(faults[place], found):
                        continue
                    faults[after] = found
                    queue.append(after)
    return [place for place in queue if not faults[place]]


def best_of_all(bounds, objective, most, caps=()):
    """The optimum by trying all placements; None when none can be reached."""
    instance, found = bounds.instance, []
    keys = {"time": "time_h", "cost": "cost", "resources": "resources"}
    must = bounds.concerned(bounds.faults(instance.now), ("VM",))
    for place in reachable(bounds):
        away = sum(at != now and vm not in must for vm, (at, now) in enumerate(zip(place, instance.now)))
        totals = instance.totals(place)
        if all(totals[keys[name]] <= value * (1 + 1e-9) for name, value in caps):
            found.append((away, totals[keys[objective]]))
    fewest = min(found, default=(0, 0))[0]  # what mends violations may take more than the limit
    return min((value for away, value in found if most is None or away <= max(most, fewest)), default=None)


def random_rules(rand, path, vms, envs):
    with open(path, "w", encoding="ascii") as file:
        file.write("rule\ta\tb\n")
        for _ in range(rand.randint(1, 3 + vms // 10)):
            rule = rand.choice(RULES[:6] if rand.random() < 0.9 else RULES)
            v, w = rand.sample(range(vms), 2)
            if rule in ("apart", "together", "sameaddr"):
                file.write("%s\t%d\t%d\n" % (rule, v, w))
            elif rule == "pin":
                file.write("pin\t%d\t%d\n" % (v, rand.randrange(envs)))
            elif rule == "quota":
                file.write("quota\t%d\t%d\n" % (rand.randrange(envs), rand.randint(8, 8 + 2 * vms)))
            elif rule == "scope":
                file.writelines("scope\t%d\t\n" % vm for vm in rand.sample(range(vms), 1 + vms // 2))
            elif rand.random() < 0.4:
                file.write("drain\t%d\t\n" % rand.randrange(envs))


def optima(data):
    rows = [row for name in ("opt.tsv", "opt50.tsv") for row in table(data + "/" + name)]
    names = {"time": "time", "money": "cost", "resource": "resources"}
    for row in rows:
        if row["status"] != "limit":
            most = None if row["K_moves"] == "-1" else int(row["K_moves"])
            yield row["instance"], names[row["obj"]], most, None, row["status"], row["objective"]
    for row in table(data + "/cons.tsv"):
        yield row["instance"], names[row["obj"]], None, row["set"], row["status"], row["optimum"]


def see_optima(judge, data):
    """All instances with a proven optimum; with few moves where that means the same for both readings."""
    for name, objective, most, rules, status, optimum in itertools.islice(optima(data), 0, None, PART):
        path = "%s/%s" % (data, name)
        rules = "%s.%s.tsv" % (path, rules) if rules else None
        label = "%s %s %s %s" % (name, objective, most, rules and os.path.basename(rules))
        bounds = Bounds(Instance(path), rules)
        value = judge.judge(label, path, objective, rules, most, limit=0.6)
        if status == "infeasible":
            if value is not None and not (most is not None and bounds.faults(bounds.instance.now)):
                judge.fail(label, "a plan, where there is none")
        elif value is None:
            judge.fail(label, "no plan")
        elif value > float(optimum) * 1.02 or value < float(optimum) * (1 - 1e-4) and \
                all(at in bounds.allowed[vm] for vm, at in enumerate(bounds.instance.now)):
            judge.fail(label, "%g, the optimum is %s" % (value, optimum))


def see_proofs(judge, data):
    """--prove against optima proven elsewhere; it refuses what is too large, and says so without GLPK."""
    for name, objective, most, rules, status, optimum in itertools.islice(optima(data), 0, None, PART):
        path = "%s/%s" % (data, name)
        if rules or most is not None or name.startswith("n50") and objective != "resources":
            continue
        code, answer = judge.run(path, objective, limit=60, more=("--prove",))
        if "no GLPK" in answer["status"]:
            print("built without GLPK: %s" % answer["status"].strip())
            return
        proof, label = answer.get("proof", {}), "proof %s %s" % (name, objective)
        if code != (2 if status == "infeasible" else 0) or (proof["status"] == "infeasible") != (code == 2):
            judge.fail(label, "%d, %s" % (code, proof))
        elif code == 0:
            after, bound = answer["objective"]["after"], proof["bound"]
            if abs(bound / float(optimum) - 1) > 1e-4 or abs(proof["gap"] - (after / bound - 1)) > 1e-5 or \
                    (proof["status"] == "optimal") != (proof["gap"] == 0):
                judge.fail(label, "%s, the plan %g, the optimum %s" % (proof, after, optimum))
    code, answer = judge.run(data + "/n200e6-1a", "time", more=("--prove",))
    if code != 1 or "up to 60 VMs, this instance has 200" not in answer["status"]:
        judge.fail("proof of 200 VMs", answer["status"])


def see_known(judge, data):
    """The other instances, each objective, several numbers of moves and all files of rules."""
    for objective in ("time", "cost", "resources"):
        for most in (0, 3, 20, None)[::3 if PART > 1 else 1]:
            judge.judge("n200e6-1a %s %s" % (objective, most), data + "/n200e6-1a", objective, None, most)
            for rules in ("c1", "c2", "c3"):
                value = judge.judge("n50e4-1a %s %s %s" % (rules, objective, most), data + "/n50e4-1a", objective,
                                    "%s/n50e4-1a.%s.tsv" % (data, rules), most)
                if (value is None) != (rules != "c1"):
                    judge.fail("n50e4-1a %s" % rules, "plan: %s" % value)


def generate(generator, folder, vms, envs, seed, variant):
    path = "%s/n%de%d-%d%s" % (folder, vms, envs, seed, variant)
    subprocess.run([sys.executable, generator, path, str(vms), str(envs), str(seed), variant], check=True)
    return path


def see_small(judge, generator, folder):
    """Random rules on instances of which all placements can be tried."""
    rand = random.Random(7)
    missed, seen = 0.0, 0
    for seed in range(60 // PART):
        vms, envs = rand.randint(3, 7), rand.randint(2, 3)
        path = generate(generator, folder, vms, envs, seed, rand.choice("ab"))
        rules = path + ".rules"
        random_rules(rand, rules, vms, envs)
        rules = rules if seed % 5 else None
        bounds = Bounds(Instance(path), rules)
        for objective in ("time", "cost", "resources"):
            most = rand.choice((None, 1, 2, 3))
            name = "small %d %s %s" % (seed, objective, most)
            value = judge.judge(name, path, objective, rules, most, limit=0.05)
            best = best_of_all(bounds, objective, most)
            if (best is None) != (value is None):
                judge.fail(name, "%s, the optimum is %s" % (value, best))
            elif best is not None:
                if value < best * (1 - 1e-9) and not bounds.faults(bounds.instance.now):
                    judge.fail(name, "%g is less than the optimum, %g" % (value, best))
                if value > best * 1.05:
                    print("%s: %g, the optimum is %g" % (name, value, best))
                missed += max(0, value / best - 1)
                seen += 1
    print("small: %d plans, %.3f %% above the optimum on average" % (seen, 100 * missed / seen))
    if missed / seen > 0.01:
        judge.fail("small", "too far from the optimum")


def see_middle(judge, generator, folder):
    rand = random.Random(8)
    for seed in range(16 // PART):
        vms, envs = rand.choice(((12, 3), (20, 3), (30, 4), (60, 5)))
        path = generate(generator, folder, vms, envs, 100 + seed, rand.choice("ab"))
        random_rules(rand, path + ".rules", vms, envs)
        for objective in ("time", "cost", "resources"):
            judge.judge("middle %d %s" % (seed, objective), path, objective, path + ".rules",
                        rand.choice((None, None, 0, 5)), limit=0.1)


def write_tables(path, envs, vms, links, traffic):
    os.makedirs(path, exist_ok=True)
    tables = {"meta.tsv": ["key\tvalue", "horizon_h\t10", "sync_fraction\t0.02"],
              "envs.tsv": ["env\tkind\tcap_vcpu\tcap_mem_gb\tpower\tprice_vcpu_h\tavail_h"] + envs,
              "links.tsv": ["from\tto\tlatency_ms\tbandwidth_MBps\tprice_per_GB"] + links,
              "vms.tsv": ["vm\tvcpu\tmem_gb\tdirty_MBps\twork_h\tcur_env\ttruth_group"] + vms,
              "traffic.tsv": ["src\tdst\tpackets_s\tbytes_s"] + traffic}
    for name, lines in tables.items():
        with open(path + "/" + name, "w", encoding="ascii") as file:
            file.writelines(line + "\n" for line in lines)


def see_cycle(judge, folder):
    """Two VMs fill two environments and must change places: one of them waits in the third, if it may."""
    path = folder + "/cycle"
    links = ["%d\t%d\t%g\t1000\t0" % (a, b, 0.2 if a == b else 20) for a in range(3) for b in range(3)]
    vms = ["0\t4\t4\t1\t5\t0\t0", "1\t4\t4\t1\t5\t1\t0"]
    for spare in (4, 3):
        envs = ["0\tcloud\t4\t16\t1\t1\t-1", "1\tcloud\t4\t16\t1\t1\t-1",
                "2\tcloud\t%d\t16\t0.5\t1\t-1" % spare]
        write_tables(path, envs, vms, links, ["0\t1\t1\t1"])
        with open(path + ".rules", "w", encoding="ascii") as file:
            file.write("rule\ta\tb\npin\t0\t1\npin\t1\t0\n")
        parked = judge.parked
        value = judge.judge("cycle with %d spare" % spare, path, "time", path + ".rules", limit=0.05)
        if (value is not None) != (spare == 4) or judge.parked - parked != (spare == 4):
            judge.fail("cycle with %d spare" % spare, "%s, %d parked" % (value, judge.parked - parked))
        if spare == 3 and "order" not in judge.run(path, "time", path + ".rules")[1]["reason"]:
            judge.fail("cycle", "the reason is not the order of moves")


def main():
    grappe, data, generator, folder = sys.argv[1:]
    judge = Judge(grappe, folder)
    judge.measure(data + "/n20e3-1a")
    see_cycle(judge, folder)
    see_small(judge, generator, folder)
    see_middle(judge, generator, folder)
    see_known(judge, data)
    see_optima(judge, data)
    see_proofs(judge, data)
    print("%d plans judged, %d with a VM that waits, %d times none; %d faults" %
          (judge.checked, judge.parked, judge.none, judge.failed))
    sys.exit(judge.failed > 0)


main()
