"""Makes ranking.json, cluster.json and fairness.json.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6 \
        pytrec_eval-terrier==0.5.11 fairlearn==0.15.0
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_ranking.py

Ranking: scikit-learn for NDCG (queries without relevant items deleted first), trec_eval for the rest where it has the
measure (scores without ties; fall-out by its formula). Clusters: scikit-learn and scipy; embeddings and CKA by their
formulas, RSA by scipy. Fairness: fairlearn, with groups that have no rate deleted first; calibration by its formula. null: not
defined on purpose.
"""

import json
import pathlib
import warnings
from importlib.metadata import version

import numpy as np
import pytrec_eval
from fairlearn.metrics import (
    MetricFrame, false_positive_rate, selection_rate, true_positive_rate,
    demographic_parity_difference, demographic_parity_ratio, equal_opportunity_difference, equal_opportunity_ratio,
    equalized_odds_difference, equalized_odds_ratio,
)
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn import metrics as sk
from sklearn.metrics.cluster import contingency_matrix

warnings.simplefilter("ignore")
rng = np.random.default_rng(20261125)
HERE = pathlib.Path(__file__).parent


def number(x):
    return None if x is None or not np.isfinite(x) else float(x)


def save(name, packages, **parts):
    path = HERE / f"{name}.json"
    versions = {p: version(p) for p in packages}
    path.write_text(json.dumps(dict(versions=versions, **parts), separators=(",", ":")) + "\n")
    print(name, {k: len(v) for k, v in parts.items()}, path.stat().st_size)


# Ranking.
KS = [None, 1, 3, 10]
ndcgs, at_ks, catalogs = [], [], []
for case in range(44):
    n_queries = 1 + case % 6
    lengths = [int(rng.integers(2, 14)) for _ in range(n_queries)]
    scores = [np.round(rng.normal(size=n), [0, 1, 3][case % 3]).astype(np.float32) + np.float32(0) for n in lengths]
    relevance = [rng.integers(0, [2, 4][case % 2], n) * (rng.random(n) < [0.9, 0.3][case // 2 % 2]) for n in lengths]
    if case == 40:
        scores = [np.zeros(n, np.float32) for n in lengths]
    if case == 41:
        relevance = [r * 0 for r in relevance]
    weights = np.round(rng.random(n_queries) * 3, 2).astype(np.float32) if case % 4 == 3 else np.ones(n_queries, np.float32)
    if case == 43:
        weights[:-1] = 0
    entry = dict(scores=[float(x) for s in scores for x in s], relevance=[int(x) for r in relevance for x in r], lengths=lengths, weights=[float(w) for w in weights])
    kept = [q for q in range(n_queries) if relevance[q].sum() > 0]
    entry["left_out"] = n_queries - len(kept)
    for name, gain in (("linear", lambda r: r), ("exponential", lambda r: 2.0**r - 1)):
        values = []
        for k in KS:
            each = [sk.ndcg_score([gain(relevance[q])], [scores[q].astype(float)], k=k) for q in kept]
            w = weights[kept].astype(float)
            values.append(number(np.average(each, weights=w)) if kept and w.sum() > 0 else None)
        entry[name] = values
    ndcgs.append(entry)

for case in range(40):
    n_queries = 1 + case % 5
    lengths = [int(rng.integers(1, 16)) for _ in range(n_queries)]
    scores = [np.round(rng.permutation(n) * 0.37 - 2, 2).astype(np.float32) for n in lengths]
    relevance = [(rng.random(n) < [0.1, 0.4, 0.9][case % 3]).astype(int) for n in lengths]
    if case == 38:
        relevance = [r * 0 for r in relevance]
    if case == 39:
        relevance = [r * 0 + 1 for r in relevance]
    kept = [q for q in range(n_queries) if relevance[q].sum() > 0]
    qrels = {str(q): {f"d{i}": int(r) for i, r in enumerate(relevance[q])} for q in kept}
    run = {str(q): {f"d{i}": float(s) for i, s in enumerate(scores[q])} for q in kept}
    ks = [1, 3, 10]
    names = {"precision": "P", "recall": "recall", "hit-rate": "success", "map": "map_cut"}
    wanted = {f"{n}.{k}" for n in names.values() for k in ks} | {"recip_rank", "Rprec", "map"}
    results = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(run) if kept else {}
    mean = lambda key: float(np.mean([r[key] for r in results.values()])) if kept else None
    entry = dict(scores=[float(x) for s in scores for x in s], relevance=[int(x) for r in relevance for x in r], lengths=lengths, expected={})
    for ours, theirs in names.items():
        entry["expected"] |= {f"{ours}@k={k}": mean(f"{theirs}_{k}") for k in ks}
    entry["expected"] |= {"mrr": mean("recip_rank"), "r-precision": mean("Rprec"), "map": mean("map")}
    for k in ks:
        fall = []
        for s, r in zip(scores, relevance):
            if (r == 0).any():
                fall.append((r[np.argsort(-s, kind="stable")][:k] == 0).sum() / (r == 0).sum())
        entry["expected"][f"fall-out@k={k}"] = number(np.mean(fall)) if fall else None
    at_ks.append(entry)

for case in range(40):
    n_items, d, k = int(rng.integers(2, 12)), int(rng.integers(1, 5)), int(rng.integers(2, 6))
    items = (rng.normal(size=(n_items, d)) + 0.1).round(3).astype(np.float32)
    known_by = rng.integers(1, 50, n_items)
    lists = [[int(i) for i in rng.permutation(n_items)[: rng.integers(0, n_items + 1)]] for _ in range(1 + case % 5)]
    first = [l[:k] for l in lists]
    x = items.astype(float)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    cosines = x @ x.T
    diverse = [np.mean([1 - cosines[a, b] for i, a in enumerate(l) for b in l[:i]]) for l in first if len(l) > 1]
    novel = [np.mean(np.log2(50 / known_by[l])) for l in first if l]
    catalogs.append(dict(
        k=k, items=[float(str(v)) for v in items.ravel()], d=d, known_by=[int(n) for n in known_by], n_users=50, lists=lists,
        coverage=len(set(sum(first, []))) / n_items,
        diversity=number(np.mean(diverse)) if diverse else None,
        novelty=number(np.mean(novel)) if novel else None,
    ))
save("ranking", ["scikit-learn", "pytrec_eval-terrier", "numpy"], ks=KS, ndcg=ndcgs, at_k=at_ks, catalog=catalogs)

# Clusters.
partitions, embeddings, ckas = [], [], []
for case in range(44):
    n = int(rng.integers(1, 80))
    classes = rng.integers(-3, [0, 2, 8][case % 3], n)
    clusters = classes.copy() if case % 2 else rng.integers(10, [12, 20, 13][case % 3], n)
    flip = rng.random(n) < 0.3
    clusters[flip] = rng.integers(10, 14, flip.sum())
    fixed = {36: ([0] * 5, [1] * 5), 37: ([0] * 4, [0, 1, 2, 2]), 38: ([0, 1, 2], [5, 6, 7]), 39: ([4], [4]), 40: ([0, 1, 0, 1], [3] * 4), 41: ([0, 0, 1, 1], [0, 1, 0, 1])}
    if case in fixed:
        classes, clusters = map(np.array, fixed[case])
    one = len(set(classes)) == 1, len(set(clusters)) == 1
    h, c, v = sk.homogeneity_completeness_v_measure(classes, clusters)
    matrix = contingency_matrix(classes, clusters)
    i, j = linear_sum_assignment(-matrix)
    singletons = len(set(classes)) == len(set(clusters)) == len(classes)
    partitions.append(dict(classes=[int(x) for x in classes], clusters=[int(x) for x in clusters], expected={
        "nmi": None if all(one) else sk.normalized_mutual_info_score(classes, clusters),
        "homogeneity": None if one[0] else h,
        "completeness": None if one[1] else c,
        "v-measure": None if all(one) else v,
        "ari": None if all(one) or singletons else sk.adjusted_rand_score(classes, clusters),
        "cluster-accuracy": matrix[i, j].sum() / len(classes),
    }))
for case in range(40):
    n, d, k = int(rng.integers(2, 25)), int(rng.integers(1, 5)), [1, 2, 5][case % 3]
    classes = rng.integers(0, 1 + case % 6, n)
    x = (rng.normal(size=(n, d)) + classes[:, None] * 0.7).round([1, 3][case % 2])
    x[np.abs(x).sum(1) == 0] = 0.5
    x = x.astype(np.float32)
    entry = dict(vectors=[float(str(v)) for v in x.ravel()], classes=[int(c) for c in classes], d=d, k=k)
    x = x.astype(float)
    unit = x / np.sqrt((x * x).sum(1, keepdims=True))
    for name in ("cosine", "euclidean"):
        hits = []
        for q in range(n):
            others = [i for i in range(n) if i != q]
            if not any(classes[i] == classes[q] for i in others):
                continue
            far = [-sum(unit[q] * unit[i]) if name == "cosine" else sum((x[q] - x[i]) ** 2) for i in others]
            near = [others[i] for i in np.argsort(far, kind="stable")[:k]]
            hits.append(any(classes[i] == classes[q] for i in near))
        entry[name] = float(np.mean(hits)) if hits else None
    embeddings.append(entry)
for case in range(40):
    n, p, q = int(rng.integers(1, 30)), int(rng.integers(1, 5)), int(rng.integers(1, 5))
    x = rng.normal(size=(n, p)).round(3).astype(np.float32)
    y = (rng.normal(size=(n, q)) * 0.5 + x[:, :1] * (case % 3)).round(3).astype(np.float32)
    if case == 39:
        y[:] = 0.1
    a, b = x.astype(float), y.astype(float)
    a, b = a - a.mean(0), b - b.mean(0)
    square = lambda m: (m**2).sum()
    below = np.sqrt(square(a.T @ a) * square(b.T @ b))
    defined = n > 1 and case != 39
    vary = (np.ptp(x, axis=1) > 0) & (np.ptp(y, axis=1) > 0)
    rsa = None
    if vary.sum() > 2:
        far = [(pdist(m[vary].astype(float), "correlation") * 2**40).round() for m in (x, y)]
        rsa = number(spearmanr(*far).statistic)
    ckas.append(dict(x=[float(str(v)) for v in x.ravel()], y=[float(str(v)) for v in y.ravel()], p=p, q=q, cka=float(square(b.T @ a) / below) if defined else None, rsa=rsa))
save("cluster", ["scikit-learn", "scipy", "numpy"], partitions=partitions, embeddings=embeddings, ckas=ckas)

# Fairness.
parities, calibrations = [], []
for case in range(48):
    n, n_groups = int(rng.integers(2, 60)), 1 + case % 4
    groups = rng.integers(0, n_groups, n)
    truth = rng.random(n) < [0.5, 0.1, 0.9][case % 3]
    said = (rng.random(n) + 0.2 * (groups == 0)) < 0.5
    if case == 40:
        said[:] = False
    if case == 41:
        truth[groups == 0] = False
    weights = np.round(rng.random(n) * 2, 2) if case % 3 == 2 else np.ones(n)
    weights = weights.astype(np.float32)
    if case == 44:
        weights[groups == 0] = 0
    entry = dict(said=[int(s) for s in said], truth=[bool(t) for t in truth], groups=[int(g) for g in groups], weights=[float(w) for w in weights], expected={})
    w = weights.astype(float)
    rates = {}
    for name, among in (("selection", np.ones(n, bool)), ("tpr", truth), ("fpr", ~truth)):
        rates[name] = [float(np.average(said[m], weights=w[m])) for g in sorted(set(groups)) if w[m := (groups == g) & among].sum() > 0]

    def both(value, *names, ratio=False):
        if any(len(rates[n]) < 2 for n in names) or (ratio and any(max(rates[n]) == 0 for n in names)):
            return None
        return value()

    # fairlearn says 0 for a missing rate; it is asked only where every group has one.
    complete = all(len(rates[n]) == len(set(groups)) for n in rates)
    args = (truth, said)
    kw = dict(sensitive_features=groups, sample_weight=w)
    diff = lambda *names: max(max(rates[n]) - min(rates[n]) for n in names)
    ratio = lambda *names: min(min(rates[n]) / max(rates[n]) for n in names)
    table = [
        ("demographic-parity", demographic_parity_difference, demographic_parity_ratio, ("selection",)),
        ("equal-opportunity", equal_opportunity_difference, equal_opportunity_ratio, ("tpr",)),
        ("equalized-odds", equalized_odds_difference, equalized_odds_ratio, ("tpr", "fpr")),
    ]
    for name, difference_of, ratio_of, names in table:
        entry["expected"][f"{name}-difference"] = both(lambda: float(difference_of(*args, **kw)) if complete else diff(*names), *names)
        entry["expected"][f"{name}-ratio"] = both(lambda: float(ratio_of(*args, **kw)) if complete else ratio(*names), *names, ratio=True)
    entry["by_fairlearn"] = bool(complete)
    parities.append(entry)
for case in range(40):
    n, n_bins = int(rng.integers(1, 80)), [1, 5, 10, 15][case % 4]
    groups = rng.integers(0, 1 + case % 3, n) * 7
    scores = rng.random(n).round(3).astype(np.float32)
    if case > 30:
        scores = (scores * 4).round() / np.float32(4)
    truth = rng.random(n) < scores ** (1 + case % 2)
    errors = []
    for g in sorted(set(groups)):
        s, t = scores[groups == g].astype(float), truth[groups == g]
        bins = np.maximum(np.ceil(s * n_bins) - 1, 0)
        errors.append(sum(abs(s[bins == b].sum() - t[bins == b].sum()) for b in set(bins)) / len(s))
    calibrations.append(dict(scores=[float(str(v)) for v in scores], truth=[bool(t) for t in truth], groups=[int(g) for g in groups], n_bins=n_bins, errors=errors))
print(sum(p["by_fairlearn"] for p in parities), "by fairlearn itself")
save("fairness", ["fairlearn", "numpy"], parity=parities, calibration=calibrations)
