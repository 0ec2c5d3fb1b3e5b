"""Makes stats.json: what mtl_metrics::stats computes, as scipy and statsmodels do, or plain formulas in exact fractions.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_stats_golden.py
"""

import itertools
import json
import pathlib
import platform
import types
import warnings
from fractions import Fraction

import numpy as np
import scipy
import statsmodels
from scipy import stats
from scipy.stats._resampling import _bca_interval
from statsmodels.stats.contingency_tables import mcnemar as sm_mcnemar
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(20261125)

estimates = []
for n in [2, 3, 5, 10, 30, 200]:
    for level in [0.5, 0.9, 0.95, 0.99, 0.999]:
        values = rng.normal(0.9, 0.02, n)
        low, high = stats.t.interval(level, n - 1, loc=values.mean(), scale=stats.sem(values))
        estimates.append({"values": values.tolist(), "level": level, "low": low, "high": high})

friedman = []
for n, k, decimals in [(2, 3, 6), (5, 3, 6), (10, 4, 6), (14, 8, 6), (6, 3, 1), (20, 5, 1), (40, 10, 1), (8, 3, 0)]:
    scores = np.round(rng.normal(0.8, 0.3, (n, k)) + np.arange(k) * 0.1, decimals)
    chi2, p = stats.friedmanchisquare(*scores.T)
    ranks = np.array([stats.rankdata(-row) for row in scores])
    f = (n - 1) * chi2 / (n * (k - 1) - chi2)
    f_p = stats.f.sf(f, k - 1, (k - 1) * (n - 1))
    friedman.append({"scores": scores.tolist(), "mean_ranks": ranks.mean(0).tolist(), "chi2": chi2, "chi2_p": p, "f": f, "f_p": f_p})

ranges = [
    {"k": k, "p": p, "q": float(stats.studentized_range.ppf(p, k, np.inf))}
    for k in [2, 3, 4, 5, 8, 10, 15, 20, 50]
    for p in [0.5, 0.9, 0.95, 0.99]
]

# What follows has its own stream, so that the cases above stay as they are.
rng = np.random.default_rng(20261126)
ALTERNATIVES = ["two-sided", "greater", "less"]


def finite(x):
    return float(x) if x is not None and np.isfinite(x) else None


def decimals(values):
    return [float(v) for v in values]


# DeLong by all pairs, in fractions: nothing is rounded before the last step.


def components(labels, scores):
    positives = [s for s, y in zip(scores, labels) if y]
    negatives = [s for s, y in zip(scores, labels) if not y]
    above = lambda p, n: Fraction(2 * (p > n) + (p == n), 2)
    v = [sum(above(p, n) for n in negatives) / len(negatives) for p in positives] if negatives else []
    w = [sum(above(p, n) for p in positives) / len(positives) for n in negatives] if positives else []
    return v, w


def mean(xs):
    return sum(xs) / Fraction(len(xs))


def spread(v, w):
    """s^2(v) / P + s^2(w) / N; None with fewer than two of a class."""
    if len(v) < 2 or len(w) < 2:
        return None
    square = lambda xs: sum((x - mean(xs)) ** 2 for x in xs) / (len(xs) - 1) / len(xs)
    return square(v) + square(w)


def delong_case(labels, ours, theirs, level):
    (v, w), (v2, w2) = components(labels, ours), components(labels, theirs)
    case = {"labels": [int(y) for y in labels], "ours": decimals(ours), "theirs": decimals(theirs), "level": level}
    variance = spread(v, w)
    auroc = float(mean(v)) if v and w else None
    interval = None
    if variance:
        half = stats.norm.ppf(0.5 + level / 2) * np.sqrt(float(variance))
        interval = [max(auroc - half, 0.0), min(auroc + half, 1.0)]
    minus = lambda a, b: [x - y for x, y in zip(a, b)]
    between = spread(minus(v, v2), minus(w, w2))
    z = float(mean(v) - mean(v2)) / np.sqrt(float(between)) if between else None
    return case | {
        "auroc": auroc,
        "variance": None if variance is None else float(variance),
        "interval": interval,
        "between": None if between is None else float(between),
        "z": z,
        "p": None if z is None else [float(2 * stats.norm.sf(abs(z))), float(stats.norm.sf(z)), float(stats.norm.cdf(z))],
    }


delong = []
for n in [4, 6, 9, 14, 20, 30, 45, 60]:
    for grid, shift in [(64, 0.8), (4, 0.5), (2, 2.0), (1, 0.0), (16, 4.0)]:  # fewer steps, more ties
        labels = rng.random(n) < 0.4
        labels[:2], labels[2:4] = True, False
        draw = lambda: np.round((rng.normal(size=n) + shift * labels) * grid) / grid
        delong.append(delong_case(labels, draw(), draw(), float(rng.choice([0.8, 0.95, 0.99]))))
for labels, ours, theirs in [
    ([], [], []),
    ([1], [0.5], [0.5]),
    ([0, 0, 0], [1, 2, 3], [3, 2, 1]),
    ([1, 1], [1, 2], [2, 1]),
    ([1, 0], [2, 1], [1, 2]),
    ([1, 0, 0], [2, 1, 3], [1, 2, 2]),
    ([1, 1, 0], [2, 1, 1], [1, 2, 2]),
    ([1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]),
    ([1, 1, 0, 0], [4, 3, 2, 1], [1, 2, 3, 4]),
    ([1, 1, 0, 0, 0], [4, 2, 3, 1, 2], [8, 4, 6, 2, 4]),
    ([1, 1, 0, 0], [0.0, 2, -0.0, 1], [5, 0, 1, 0]),
]:
    delong.append(delong_case([bool(y) for y in labels], ours, theirs, 0.95))

mcnemar = []
for b, c in [(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 2), (1, 5), (5, 1), (0, 10), (10, 0), (3, 7), (8, 8), (9, 8),
             (0, 24), (24, 0), (12, 12), (11, 13), (1, 23), (5, 19), (10, 14), (0, 25), (25, 0), (12, 13), (13, 12),
             (1, 24), (5, 20), (13, 13), (15, 15), (20, 30), (30, 20), (0, 100), (100, 0), (49, 51), (50, 50), (40, 60),
             (500, 450), (1000, 1000), (1000, 900), (123456, 123000), (10**9, 10**9 + 1000), (3, 3), (2, 9), (7, 15),
             (4, 22), (17, 31)]:  # fmt: skip
    exact = b + c < 25
    found = sm_mcnemar([[3, b], [c, 4]], exact=exact, correction=True)
    mcnemar.append({"b": b, "c": c, "exact": exact, "statistic": float(found.statistic), "p": float(found.pvalue)})

wilcoxon = []


def wilcoxon_case(ours, theirs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        p = [finite(stats.wilcoxon(ours, theirs, alternative=a).pvalue) if len(ours) else None for a in ALTERNATIVES]
        normal = [
            finite(stats.wilcoxon(ours, theirs, alternative=a, method="asymptotic").pvalue) if len(ours) else None
            for a in ALTERNATIVES
        ]
        above = finite(stats.wilcoxon(ours, theirs, alternative="greater").statistic) if len(ours) else 0.0
    wilcoxon.append({"ours": decimals(ours), "theirs": decimals(theirs), "above": above, "p": p, "normal": normal})


for n in [1, 2, 3, 5, 8, 12, 13, 14, 20, 35, 50, 51, 80]:
    for grid, shift in [(10**6, 0.3), (10, 0.2), (2, 0.0)]:
        wilcoxon_case(np.round(rng.normal(shift, 1, n) * grid) / grid, np.round(rng.normal(0, 1, n) * grid) / grid)
for ours in [[], [1.0] * 4, [0.0, 0.0, 1.0], [0.0] * 20 + [1.0, -2.0], [2.0] * 13, [2.0] * 14, [1.0, -1.0] * 6,
             [1.0, -1.0] * 10, list(range(1, 51)), list(range(-60, 0)), [0.1, 0.2, -0.3], [1e-90, -1e90, 3.0]]:  # fmt: skip
    wilcoxon_case(np.array(ours, float), np.zeros(len(ours)))
wilcoxon_case(np.ones(5), np.ones(5))

sign_flip = []


def sign_flip_by_counting(d):
    """All sign patterns of integers, by how often each sum occurs."""
    sums = {0: 1}
    for x in d:
        after = {}
        for s, count in sums.items():
            for y in (s + x, s - x):
                after[y] = after.get(y, 0) + count
        sums = after
    real, patterns = sum(d), 2 ** len(d)
    greater = Fraction(sum(c for s, c in sums.items() if s >= real), patterns)
    less = Fraction(sum(c for s, c in sums.items() if s <= real), patterns)
    return [float(min(1, 2 * min(greater, less))), float(greater), float(less)]


def sign_flip_case(ours, theirs):
    d = np.asarray(ours, float) - np.asarray(theirs, float)
    difference = lambda a, b, axis: np.mean(a - b, axis=axis)
    if 2 <= len(d) <= 12:  # scipy takes no single pair
        by = "scipy"
        p = [
            float(
                stats.permutation_test(
                    (ours, theirs), difference, permutation_type="samples", alternative=a, n_resamples=np.inf, vectorized=True
                ).pvalue
            )
            for a in ALTERNATIVES
        ]
    else:
        by, p = "counting", sign_flip_by_counting([int(x) for x in d * 8]) if len(d) else None
    sign_flip.append({"ours": decimals(ours), "theirs": decimals(theirs), "by": by, "p": p})


for n in [1, 2, 3, 4, 5, 7, 9, 12, 15, 20, 26, 30]:
    for grid, shift in [(8, 0.5), (2, 0.2), (1, 1.0)]:
        sign_flip_case(np.round(rng.normal(shift, 1, n) * grid) / grid, np.round(rng.normal(0, 1, n) * grid) / grid)
for n in [2, 6, 10]:
    sign_flip_case(rng.normal(0.4, 1, n), rng.normal(0, 1, n))
for d in [[], [0.0], [0.0] * 5, [0.0, 1.0], [1.0] * 10, [-1.0] * 10, [1.0, -1.0] * 5, [1.0, -1.0] * 15, [5.0] + [0.0] * 9]:
    sign_flip_case(np.array(d), np.zeros(len(d)))

holm = []
for m in [1, 2, 3, 5, 8, 20, 50]:
    for power in [1, 3, 8]:
        for grid in [0, 20]:
            p = rng.random(m) ** power
            holm.append(np.round(p * grid) / grid if grid else p)
holm += [[0.0], [1.0], [0.0, 1.0], [0.5] * 4, [0.01] * 4, [0.04, 0.03, 0.02, 0.01], [1e-300, 1e-200], [0.05, 0.05, 0.1]]
holm = [{"p": decimals(p), "adjusted": decimals(multipletests(p, method="holm")[1])} for p in holm]

five_by_two = []
for case in range(24):
    grid = [10**6, 100, 4][case % 3]
    ours = np.round((rng.normal(0.8 + 0.02 * (case % 5), 0.05, (5, 2))) * grid) / grid
    theirs = np.round(rng.normal(0.8, 0.05, (5, 2)) * grid) / grid
    if case == 23:
        ours, theirs = np.full((5, 2), 0.75), np.full((5, 2), 0.5)
    d = ours - theirs
    variance = ((d - d.mean(1, keepdims=True)) ** 2).sum(1)
    t = d[0, 0] / np.sqrt(variance.sum() / 5) if variance.sum() > 0 else None
    p = None if t is None else [float(2 * stats.t.sf(abs(t), 5)), float(stats.t.sf(t, 5)), float(stats.t.cdf(t, 5))]
    five_by_two.append({"ours": ours.tolist(), "theirs": theirs.tolist(), "t": finite(t), "p": p})

# scipy's intervals from given resamples: it takes the distribution of an earlier result, and draws nothing itself. Numbers
# are small integers or eighths, so that the statistics of both sides agree to the bit and ties are ties.


def statistic_of(kind, a, b):
    def statistic(counts):
        if kind == "ratio":
            return float((counts * a).sum() / (counts * b).sum())
        positive, weights = b.astype(bool), counts.astype(float)
        above = 2 * (a[positive][:, None] > a[~positive]) + (a[positive][:, None] == a[~positive])
        pairs = weights[positive][:, None] * weights[~positive]
        return float((above * pairs).sum() / (2 * pairs.sum()))

    return statistic


bootstrap = []
for case in range(27):
    kind, n_units, level = ["ratio", "mean", "auroc"][case % 3], [6, 9, 14][case // 9], [0.8, 0.9, 0.95][case // 3 % 3]
    n = n_units if case % 2 == 0 else 3 * n_units
    groups = np.arange(n) % n_units
    a = rng.integers(0, 9, n) if kind == "ratio" else np.round(rng.gumbel(0, 1, n) * 8) / 8
    b = rng.integers(1, 12, n) if kind == "ratio" else np.ones(n, int)
    if kind == "auroc":
        b = (groups % 2).astype(int)
        a = np.round((a + b) * 2) / 2
    statistic = statistic_of("ratio" if kind == "mean" else kind, a, b)
    of_units = lambda idx: statistic(np.bincount(np.asarray(idx, int), minlength=n_units)[groups])
    resamples = []
    while len(resamples) < 150:
        idx = rng.integers(0, n_units, n_units)
        counts = np.bincount(idx, minlength=n_units)
        if kind != "auroc" or 0 < b[np.isin(groups, idx)].sum() < np.isin(groups, idx).sum():
            resamples.append(counts)
    distribution = np.array([statistic(counts[groups]) for counts in resamples])
    units = np.arange(n_units)
    ends = {}
    for method in ["percentile", "BCa"]:
        found = stats.bootstrap(
            (units,), of_units, n_resamples=0, vectorized=False, confidence_level=level, method=method,
            bootstrap_result=types.SimpleNamespace(bootstrap_distribution=distribution),
        )  # fmt: skip
        ends[method.lower()] = [float(found.confidence_interval.low), float(found.confidence_interval.high)]
    along = lambda idx, axis=-1: np.apply_along_axis(of_units, axis, idx)
    acceleration = _bca_interval((units,), along, -1, (1 - level) / 2, distribution, None, np)[2]
    bootstrap.append(
        {
            "kind": kind, "a": decimals(a), "b": decimals(b), "groups": groups.tolist(), "level": level,
            "resamples": ["".join(str(c) for c in counts) for counts in resamples], "value": of_units(units),
            "standard_error": float(found.standard_error), "acceleration": float(acceleration),
        } | ends
    )  # fmt: skip

randomization = []
for case in range(12):
    n = 4 + case % 6
    words = rng.integers(3, 20, n)
    ours, theirs = (np.minimum(rng.poisson(2 + shift, n), words) for shift in (0, case / 6))
    wer = lambda edits: edits / words.sum()
    real = int(ours.sum() - theirs.sum())
    swapped = [sum((b - a) if s else (a - b) for a, b, s in zip(ours.tolist(), theirs.tolist(), swap))
               for swap in itertools.product([0, 1], repeat=n)]  # fmt: skip
    share = lambda hits: sum(hits) / 2**n
    randomization.append(
        {
            "ours": [[int(e), int(w)] for e, w in zip(ours, words)], "theirs": [[int(e), int(w)] for e, w in zip(theirs, words)],
            "values": [float(wer(ours.sum())), float(wer(theirs.sum()))],
            "p": None if (ours == theirs).all() else [share(abs(d) >= abs(real) for d in swapped),
                                                      share(d >= real for d in swapped), share(d <= real for d in swapped)],
        }
    )  # fmt: skip

out = {
    "made_with": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__, "statsmodels": statsmodels.__version__},
    "estimates": estimates,
    "friedman": friedman,
    "ranges": ranges,
    "delong": delong,
    "mcnemar": mcnemar,
    "wilcoxon": wilcoxon,
    "sign_flip": sign_flip,
    "holm": holm,
    "five_by_two": five_by_two,
    "bootstrap": bootstrap,
    "randomization": randomization,
}
path = pathlib.Path(__file__).with_name("stats.json")
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(path, path.stat().st_size, "bytes")
