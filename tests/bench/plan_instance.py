#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic planning instances (Python 3 standard library only).
usage: gen.py OUTDIR N E SEED VARIANT   (VARIANT: a = 5% noise, no hubs; b = 25% noise + hubs)
Only random.random() of MT19937 is used, so the output is the same on every CPython 3."""
import sys, os, math, random
out, N, E, seed, var = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
R = random.Random(seed * 1000003 + N * 31 + E)
U = R.random
def ui(a, b): return a + int(U() * (b - a + 1))
def uf(a, b): return a + U() * (b - a)
def pareto(al, cap): return min(cap, (1.0 - U()) ** (-1.0 / al))
def lognorm(s): # Box-Muller
    return math.exp(s * math.sqrt(-2 * math.log(1.0 - U())) * math.cos(2 * math.pi * U()))
def pick(seq, w):
    x = U() * sum(w)
    for s, p in zip(seq, w):
        x -= p
        if x < 0: return s
    return seq[-1]
os.makedirs(out, exist_ok=True)
eta, hubs = (0.05, 0) if var == 'a' else (0.25, max(1, N // 200))
# --- groups: truncated power law, 5 % loners
group = [-1] * N
order = list(range(N))
for i in range(N - 1, 0, -1):
    j = int(U() * (i + 1)); order[i], order[j] = order[j], order[i]
hubset = order[:hubs]; pos = hubs; g = 0
for h in hubset: group[h] = g; g += 1
members = [[h] for h in hubset]
maxg = max(3, min(64, N // 3))
while pos < N:
    if U() < 0.05 and N > 8: s = 1
    else: s = int(min(maxg, 2.0 * pareto(1.1, maxg / 2.0)))
    s = min(s, N - pos)
    m = order[pos:pos + s]; pos += s
    for v in m: group[v] = g
    members.append(m); g += 1
# --- VMs
vcpu = [0] * N; mem = [0] * N; dirty = [0.0] * N; work = [0.0] * N
for gi, m in enumerate(members):
    w0 = uf(4, 12); c0 = pick([1, 2, 4, 8], [.4, .35, .2, .05])
    for v in m:
        vcpu[v] = c0 if U() < .8 else pick([1, 2, 4, 8], [.4, .35, .2, .05])
        mem[v] = vcpu[v] * pick([1, 2, 4], [.3, .5, .2])
        dirty[v] = min(200.0, 15 * lognorm(0.8)); work[v] = w0 * uf(.95, 1.05)
# --- traffic (undirected key -> weight in bytes/s)
W = {}
def add(a, b, w):
    if a == b: return
    k = (a, b) if a < b else (b, a)
    W[k] = W.get(k, 0.0) + w
internal = 0.0
for m in members:
    s = len(m)
    if s < 2: continue
    inten = 4e5 * lognorm(1.0)
    kind = pick(['all', 'chain', 'grid', 'star', 'tiers', 'rand'], [.2, .1, .2, .15, .15, .2])
    E1 = []
    if kind == 'all' and s <= 16: E1 = [(i, j) for i in range(s) for j in range(i + 1, s)]
    elif kind == 'chain': E1 = [(i, i + 1) for i in range(s - 1)]
    elif kind == 'grid':
        c = max(1, int(math.sqrt(s)))
        for i in range(s):
            if (i + 1) % c and i + 1 < s: E1.append((i, i + 1))
            if i + c < s: E1.append((i, i + c))
    elif kind == 'star': E1 = [(0, i) for i in range(1, s)]
    elif kind == 'tiers':
        a = max(1, s // 4); b = max(a, s // 2 + a)
        E1 = [(i, j) for i in range(a) for j in range(a, min(b, s)) if U() < .6 or j == a]
        E1 += [(i, j) for i in range(a, min(b, s)) for j in range(min(b, s), s) if U() < .4 or i == a]
        for i in range(a, min(b, s)): E1.append((0, i))
    else:
        for i in range(1, s): E1.append((int(U() * i), i))
        for i in range(s):
            for _ in range(min(5, s - 1)): E1.append((i, int(U() * s)))
    for i, j in E1:
        if i == j: continue
        w = inten * pareto(1.5, 100.0); add(m[i], m[j], w); internal += w
noise = []
for v in range(N):
    for _ in range(ui(2, 5) if N > 8 else 1):
        u = int(U() * N)
        if group[u] != group[v]: noise.append((v, u, pareto(1.5, 100.0)))
for h in hubset:
    k = min(N - 1, max(3, N // 2), 500)
    for _ in range(k): noise.append((h, int(U() * N), 3.0 * pareto(1.5, 100.0)))
tot = sum(w for _, _, w in noise) or 1.0
sc = eta * internal / tot / (1 - eta)
for a, b, w in noise: add(a, b, w * sc)
# --- environments
dem = sum(vcpu); raw = [uf(1, 4) for _ in range(E)]; sr = sum(raw)
env = []
for e in range(E):
    grid = 1 if (E >= 3 and e % 8 == 2) else 0
    cap = max(8, int(math.ceil(1.3 * dem * raw[e] / sr)))
    power = pick([.8, 1.0, 1.25, 1.6], [.25, .35, .25, .15])
    price = 0.0 if grid else round(0.03 * power ** 1.2 * uf(.7, 1.4), 4)
    env.append(dict(kind='grid' if grid else 'cloud', cap=cap, mem=cap * 4, power=power, price=price,
                    avail=8.0 if grid else -1.0, x=U(), y=U(), egress=0.0 if grid else round(uf(.01, .09), 3)))
while sum(x['cap'] for x in env) < 1.2 * dem: env[0]['cap'] += 8; env[0]['mem'] += 32
# --- current placement: scrambled but feasible (largest VM first into a random environment with room)
cur = [0] * N; free = [x['cap'] for x in env]; fm = [x['mem'] for x in env]
for v in sorted(range(N), key=lambda v: -vcpu[v]):
    c = [e for e in range(E) if free[e] >= vcpu[v] and fm[e] >= mem[v]]
    e = pick(c, [free[q] for q in c]); cur[v] = e; free[e] -= vcpu[v]; fm[e] -= mem[v]
# --- write
with open(out + '/meta.tsv', 'w') as f:
    f.write("key\tvalue\n")
    for k, v in (('n', N), ('e', E), ('seed', seed), ('variant', var), ('horizon_h', 10), ('sync_fraction', 0.02), ('groups', g), ('noise', eta), ('hubs', hubs)):
        f.write("%s\t%s\n" % (k, v))
with open(out + '/envs.tsv', 'w') as f:
    f.write("env\tkind\tcap_vcpu\tcap_mem_gb\tpower\tprice_vcpu_h\tavail_h\n")
    for e, x in enumerate(env): f.write("%d\t%s\t%d\t%d\t%g\t%g\t%g\n" % (e, x['kind'], x['cap'], x['mem'], x['power'], x['price'], x['avail']))
with open(out + '/links.tsv', 'w') as f:
    f.write("from\tto\tlatency_ms\tbandwidth_MBps\tprice_per_GB\n")
    bwm = {}
    for a in range(E):
        for b in range(E):
            if a == b: f.write("%d\t%d\t0.2\t1000\t0\n" % (a, b)); continue
            k = (min(a, b), max(a, b))
            if k not in bwm: bwm[k] = round(uf(20, 120), 1)
            d = math.hypot(env[a]['x'] - env[b]['x'], env[a]['y'] - env[b]['y'])
            f.write("%d\t%d\t%.2f\t%g\t%g\n" % (a, b, 1 + 40 * d, bwm[k], env[a]['egress']))
with open(out + '/vms.tsv', 'w') as f:
    f.write("vm\tvcpu\tmem_gb\tdirty_MBps\twork_h\tcur_env\ttruth_group\n")
    for v in range(N): f.write("%d\t%d\t%d\t%.1f\t%.3f\t%d\t%d\n" % (v, vcpu[v], mem[v], dirty[v], work[v], cur[v], group[v]))
with open(out + '/traffic.tsv', 'w') as f:
    f.write("src\tdst\tpackets_s\tbytes_s\n")
    for (a, b) in sorted(W):
        w = W[(a, b)]; u = uf(.2, .8); ps = uf(200, 1400)
        x, y = w * u, w * (1 - u)
        f.write("%d\t%d\t%.2f\t%.1f\n%d\t%d\t%.2f\t%.1f\n" % (a, b, x / ps, x, b, a, y / ps, y))
