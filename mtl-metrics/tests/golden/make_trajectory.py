"""Makes trajectory.json: metrics of forecasts and decisions by numpy, scipy and scikit-learn.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_trajectory.py
"""

import json
import pathlib
import platform

import numpy as np
import scipy
import sklearn
from scipy import optimize, stats
from sklearn.metrics import top_k_accuracy_score

rng = np.random.default_rng(20251128)


def none(x):
    return None if x is None or not np.isfinite(x) else float(x)


forecasts = []
for seed in range(44):
    n, k, t = [(3, 4, 5), (1, 1, 1), (2, 6, 3), (4, 2, 8)][seed % 4]
    truth = rng.normal(0, 3, (n, 1, t, 2)).cumsum(2).round(2)
    # Halves and quarters in some cases, so that a way misses by exactly 2.
    ways = truth + (rng.integers(-8, 9, (n, k, t, 2)) / 4 if seed % 3 == 0 else rng.normal(0, 1.5, (n, k, t, 2)).round(3))
    probs = rng.dirichlet(np.ones(k), n)
    if seed % 5 == 0:
        probs = np.full((n, k), 1 / k)
    spreads = np.stack([rng.uniform(0.3, 2, (n, k, t)), rng.uniform(0.3, 2, (n, k, t)), rng.uniform(-0.9, 0.9, (n, k, t))], -1)
    d = np.hypot(*np.moveaxis(ways - truth, -1, 0))
    ade, fde, worst = d.mean(-1), d[..., -1], d.max(-1)
    values = {}
    for top in (1, 3):
        order = np.argsort(-probs, 1, kind="stable")[:, :top]
        take = lambda x: np.take_along_axis(x, order, 1)
        a, f, w = take(ade), take(fde), take(worst)
        values[f"min-ade@k={top}"] = a.min(1).mean()
        values[f"ade-of-min-fde@k={top}"] = a[np.arange(n), f.argmin(1)].mean()
        values[f"min-fde@k={top}"] = f.min(1).mean()
        values[f"miss-rate@k={top},radius=2"] = (f.min(1) > 2).mean()
        values[f"miss-rate-worst-point@k={top},radius=2"] = (w.min(1) > 2).mean()
    nll = []
    for i in range(n):
        logs = [np.log(probs[i, j]) + sum(
            stats.multivariate_normal.logpdf(truth[i, 0, s], ways[i, j, s],
                                             [[sx * sx, r * sx * sy], [r * sx * sy, sy * sy]])
            for s, (sx, sy, r) in enumerate(spreads[i, j])) for j in range(k)]
        nll.append(-np.logaddexp.reduce(logs))
    values["forecast-nll"] = np.mean(nll)
    near = {}
    for steps in (0, 2):
        # The first way of every agent as one scene, moved together.
        scene = ways[:, 0] - truth[:, 0]
        fine = [scene[:, s] for s in range(t)]
        for s in range(t - 1):
            fine += [scene[:, s] + j / (steps + 1) * (scene[:, s + 1] - scene[:, s]) for j in range(1, steps + 1)]
        hit = [any(np.hypot(*(p[i] - p[j])) < 0.7 for p in fine for j in range(n) if j != i) for i in range(n)]
        near[str(steps)] = float(np.mean(hit))
    scene = ways[:, 0] - truth[:, 0]
    forecasts.append(dict(name=f"forecasts {seed}", shape=[n, k, t], ways=ways.reshape(-1, 2).tolist(), probs=probs.ravel().tolist(),
                          truth=truth.reshape(-1, 2).tolist(), spreads=spreads.reshape(-1, 3).tolist(),
                          scene=scene.reshape(-1, 2).tolist(), collision=near, values={a: none(v) for a, v in values.items()}))

actions = []
for seed in range(42):
    n, a = [1, 3, 12][seed % 3], [2, 3, 6][seed // 3 % 3]
    scores = rng.normal(size=(n, a)).round(3)
    expert = rng.integers(a, size=n)
    values = rng.normal(size=(n, a)).round(3)
    banned = rng.uniform(size=(n, a)) < (0.2 if seed % 2 else 0.0)
    banned[np.arange(n), expert] = False
    sk = np.where(banned, -1e9, scores)
    top = {str(k): float(top_k_accuracy_score(expert, sk, k=k, labels=range(a)) if a > 2
                         else np.mean([sk[i, expert[i]] >= np.sort(sk[i])[-k] for i in range(n)])) for k in (1, 2) if k < a}
    worth = np.where(banned, -np.inf, values)
    regret = np.mean(worth.max(1) - values[np.arange(n), sk.argmax(1)])
    actions.append(dict(name=f"actions {seed}", a=a, scores=[None if b else float(s) for s, b in zip(scores.ravel(), banned.ravel())],
                        expert=expert.tolist(), values=values.ravel().tolist(), top=top, regret=float(regret)))

logs = []
for seed in range(42):
    n = [1, 2, 5, 30][seed % 4]
    r, p, q = rng.normal(size=n).round(3), rng.uniform(0.05, 1, n).round(3), rng.uniform(0, 1, n).round(3)
    if seed % 9 == 4:
        q[:] = 0
    taken, mean = r + rng.normal(0, 0.3, n).round(3), rng.normal(size=n).round(3)
    cap = [None, 2.0][seed % 2]
    w = np.minimum(q / p, cap or np.inf)
    dr = mean + w * (r - taken)
    err = lambda x: np.std(x, ddof=1) / np.sqrt(n) if n > 1 else None
    snips = (w * r).sum() / w.sum() if w.sum() else None
    values = {"ips": [none(np.mean(w * r)), err(w * r)],
              "snips": [none(snips), np.sqrt((w * w * (r - snips) ** 2).sum()) / w.sum() if snips is not None and n > 1 else None],
              "doubly-robust": [none(np.mean(dr)), err(dr)]}
    ess = w.sum() ** 2 / (w * w).sum() if w.any() else None
    logs.append(dict(name=f"log {seed}", cap=cap, rewards=r.tolist(), logged=p.tolist(), policy=q.tolist(), taken=taken.tolist(),
                     mean=mean.tolist(), values={k: [none(x) for x in v] for k, v in values.items()}, ess=none(ess)))

games = []
for seed in range(42):
    players = [2, 3, 5][seed % 3]
    strength = rng.normal(0, 0.8, players)
    played = []
    for _ in range([4, 12, 60][seed // 3 % 3]):
        a, b = (int(x) for x in rng.choice(players, 2, replace=False))
        chance = 1 / (1 + np.exp(strength[b] - strength[a]))
        u = rng.uniform()
        played.append([a, b, 1 if u < 0.15 else (0 if rng.uniform() < chance else 2)])
    ids = sorted({p for g in played for p in g[:2]})
    win = np.zeros((len(ids),) * 2)
    for a, b, o in played:
        i, j = ids.index(a), ids.index(b)
        win[i, j] += [1, 0.5, 0][o]
        win[j, i] += [0, 0.5, 1][o]
    reach = np.linalg.matrix_power((win > 0) + np.eye(len(ids)), len(ids)) > 0
    ratings = None
    if reach.all():
        n = win + win.T

        def loss(x):
            d = x[:, None] - x[None, :]
            return (win * np.log1p(np.exp(-d))).sum() + 0.5 * x.mean() ** 2

        def slope(x):
            p = 1 / (1 + np.exp(-(x[:, None] - x[None, :])))
            return -(win - n * p).sum(1) + x.mean() / len(x)

        def bend(x):
            p = 1 / (1 + np.exp(-(x[:, None] - x[None, :])))
            v = n * p * (1 - p)
            return np.diag(v.sum(1)) - v + 1 / len(x) ** 2

        x = optimize.minimize(loss, np.zeros(len(ids)), jac=slope, hess=bend, method="trust-exact", options=dict(gtol=1e-12)).x
        for _ in range(5):
            x = x - np.linalg.solve(bend(x), slope(x))
        p = 1 / (1 + np.exp(-(x[:, None] - x[None, :])))
        v = n * p * (1 - p)
        cov = np.linalg.pinv(np.diag(v.sum(1)) - v)
        scale = 400 / np.log(10)
        ratings = [[float(v * scale), float(np.sqrt(c) * scale)] for v, c in zip(x - x.mean(), np.diag(cov))]
    points, total = win[0].sum(), (win + win.T)[0].sum()
    z, ph = 1.96, points / total
    mid, wid = ph + z * z / 2 / total, z * np.sqrt(ph * (1 - ph) / total + z * z / 4 / total ** 2)
    games.append(dict(name=f"games {seed}", games=played, players=ids, ratings=ratings, rate=float(ph),
                      wilson=[float((mid - wid) / (1 + z * z / total)), float((mid + wid) / (1 + z * z / total))]))

makespans = []
for seed in range(40):
    n = 1 + seed % 5
    best = rng.uniform(10, 1000, n).round(1)
    said = (best * np.where(rng.uniform(size=n) < 0.3, 1, rng.uniform(0.98, 1.3, n))).round(1)
    makespans.append(dict(said=said.tolist(), best=best.tolist(), gap=float(np.mean((said - best) / best))))

versions = dict(python=platform.python_version(), numpy=np.__version__, scipy=scipy.__version__, sklearn=sklearn.__version__)
out = pathlib.Path(__file__).with_name("trajectory.json")
out.write_text(json.dumps(dict(versions=versions, forecasts=forecasts, actions=actions, logs=logs, games=games, makespans=makespans),
                          separators=(",", ":")) + "\n")
