"""Golden values for metrics of numbers and of probabilistic forecasts, computed by the libraries they are to equal.

    python -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 \\
        torch torchmetrics==1.9.0 lifelines==0.30.3 properscoring==0.1
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_regress.py

As make_class.py; here a missing target is null, and weights, where given, are one per sample.
"""

import warnings

import numpy as np
import properscoring as ps
import torch
from lifelines.utils import concordance_index
from scipy import stats
from sklearn import metrics as sk
from torchmetrics.functional import regression as tm

from golden_file import f32, nested, number, write

warnings.simplefilter("ignore")
rng = np.random.default_rng(20261126)
cases, forecasts = [], []


def ccc(y, p, w):
    """Lin 1989: moments over n."""
    mean = lambda x: np.average(x, weights=w)
    my, mp = mean(y), mean(p)
    return 2 * mean((y - my) * (p - mp)) / (mean((y - my) ** 2) + mean((p - mp) ** 2) + (my - mp) ** 2)


def pearson(y, p, w):
    mean = lambda x: np.average(x, weights=w)
    dy, dp = y - mean(y), p - mean(p)
    value = mean(dy * dp) / np.sqrt(mean(dy * dy) * mean(dp * dp))
    assert w is not None or abs(value - stats.pearsonr(y, p).statistic) < 1e-9
    return value


def mean_defined(parts):
    defined = [p for p in parts if p is not None and np.isfinite(p)]
    return np.mean(defined) if defined else None


def one(y, p, w, positive):
    """Every metric of one output."""
    n, e, theirs = len(y), {}, {}
    o = dict(sample_weight=w)
    some = n > 0 and (w is None or w.sum() > 0)
    e["mae"] = sk.mean_absolute_error(y, p, **o) if some else None
    e["mse"] = sk.mean_squared_error(y, p, **o) if some else None
    e["rmse"] = np.sqrt(e["mse"]) if some else None
    varied = some and n > 1 and len(set(y)) > 1
    moving = varied and len(set(p)) > 1
    e["r2"] = sk.r2_score(y, p, **o) if varied else None
    e["explained-variance"] = sk.explained_variance_score(y, p, **o) if varied else None
    e["adjusted-r2@2"] = 1 - (1 - e["r2"]) * (n - 1) / (n - 3) if varied and n > 3 else None
    if w is None and varied and n > 3 and y.std() > 0.1:  # its sums are not made for small numbers
        official = float(tm.r2_score(torch.tensor(p), torch.tensor(y), adjusted=2))
        assert abs(official - e["adjusted-r2@2"]) < 1e-5 * max(1, abs(official))
    e["pearson"] = pearson(y, p, w) if moving else None
    e["ccc"] = ccc(y, p, w) if varied else None
    if w is None:
        e["spearman"] = stats.spearmanr(y, p).statistic if moving else None
        e["kendall"] = stats.kendalltau(y, p).statistic if moving else None
    zero = some and (y == 0).any()
    e["mape"] = sk.mean_absolute_percentage_error(y, p, **o) if some and not zero else None
    if zero:
        theirs["mape"] = sk.mean_absolute_percentage_error(y, p, **o)
    size = np.abs(y) + np.abs(p)
    e["smape"] = np.average(2 * np.abs(y - p) / np.where(size > 0, size, 1), weights=w) if some else None
    if w is None and some and (size > 1e-3).all():
        assert abs(float(tm.symmetric_mean_absolute_percentage_error(torch.tensor(p), torch.tensor(y))) - e["smape"]) < 1e-5
    total = np.average(np.abs(y), weights=w) if some else 0
    e["wmape"] = np.average(np.abs(y - p), weights=w) / total if total > 0 else None
    if w is None and total > 1e-3:
        official = float(tm.weighted_mean_absolute_percentage_error(torch.tensor(p), torch.tensor(y)))
        assert abs(official - e["wmape"]) < 1e-5 * max(1, official)
    e["direction-accuracy"] = sk.accuracy_score(np.sign(y), np.sign(p), **o) if some else None
    for q in (0.1, 0.5, 0.9):
        e[f"pinball@{q}"] = sk.mean_pinball_loss(y, p, alpha=q, **o) if some else None
    if positive:
        e["rmsle"] = sk.root_mean_squared_log_error(y, p, **o) if some else None
        powers = [(-1, "tweedie-deviance@-1"), (0, "tweedie-deviance@0"), (1, "poisson-deviance"), (1.5, "tweedie-deviance@1.5"),
                  (2, "gamma-deviance"), (3, "tweedie-deviance@3")]
        for power, name in powers:
            if power < 2 or (y > 0).all():
                e[name] = sk.mean_tweedie_deviance(y, p, power=power, **o) if some else None
    return e, theirs


def value_case(name, said, truth, w=None):
    p, y = f32(said), f32(truth)
    w_all = None if w is None else f32(w)
    known = ~np.isnan(y)
    columns = [(y[known[:, k], k], p[known[:, k], k], None if w is None else w_all[known[:, k]]) for k in range(y.shape[1])]
    positive = all((t >= 0).all() and (q > 0).all() for t, q, _ in columns)
    parts = [one(*column, positive) for column in columns]
    names = [m for m in parts[0][0] if all(m in e for e, _ in parts)]
    entry = dict(name=name, task="values", said=nested(p), truth=nested(y))
    if w is not None:
        entry["weights"] = nested(w_all)
    entry["expected"] = {m: number(mean_defined([e[m] for e, _ in parts])) for m in names}
    if any(t for _, t in parts) and len(parts) == 1:
        entry["theirs"] = {m: number(v) for m, v in parts[0][1].items()}
    cases.append(entry)


def weights(n):
    return np.where(rng.random(n) < 0.2, 0, np.round(rng.random(n) * 4, 2))


for i, n in enumerate([5, 8, 12, 20, 30, 40] * 2):
    y = rng.normal(size=(n, 1)) * 10.0 ** (i % 4 - 1) + (i % 3) * 5
    p = y + rng.normal(size=y.shape) * y.std() * 0.5
    value_case(f"one output, {i}", p, y)
    value_case(f"one output, {i}, weights", p, y, weights(n))
    value_case(f"positive, {i}", np.exp(p / 10), np.exp(y / 10))
    value_case(f"counts, {i}", np.exp(rng.normal(size=(n, 1))), rng.poisson(2, (n, 1)), weights(n) if i % 2 else None)
for i in range(4):
    y = np.round(rng.normal(size=(25, 1)))
    value_case(f"ties, {i}", np.round(y + rng.normal(size=y.shape)), y)
y = rng.normal(size=(25, 3)) * [1, 100, 1e-3]
value_case("three outputs", y + rng.normal(size=y.shape) * [1, 10, 1e-3], y)
value_case("three outputs, missing", y * 1.1, np.where(rng.random(y.shape) < 0.4, np.nan, y))
value_case("three outputs, missing, weights", y * 1.1, np.where(rng.random(y.shape) < 0.4, np.nan, y), weights(25))
value_case("perfect", y, y)
value_case("shifted", y + 5, y)
value_case("constant target", rng.normal(size=(7, 1)), np.full((7, 1), 0.1))
value_case("constant prediction", np.full((7, 1), 0.1), rng.normal(size=(7, 1)))
value_case("one constant output", rng.normal(size=(9, 2)), np.c_[np.full(9, 4.0), rng.normal(size=9)])
value_case("n = 1", [[2.0]], [[3.0]])
value_case("n = 2", [[2.0], [5.0]], [[3.0], [4.0]])
value_case("n = 2, opposite", [[2.0], [5.0]], [[4.0], [3.0]])
value_case("all missing", [[2.0], [5.0]], [[np.nan], [np.nan]])
value_case("all weights 0", [[2.0], [5.0]], [[1.0], [2.0]], [0.0, 0.0])
value_case("all targets 0", [[2.0], [5.0]], [[0.0], [0.0]])
value_case("everything 0", [[0.0], [0.0]], [[0.0], [0.0]])
value_case("worse than the mean", -y, y)


def forecast(kind, name, expected, **data):
    forecasts.append(dict(kind=kind, name=name, expected={k: number(v) for k, v in expected.items()},
                          **{k: nested(v) if k != "seen" else [bool(x) for x in v] for k, v in data.items()}))


for i in range(12):
    n, m = int(rng.integers(1, 15)), [1, 2, 3, 5, 10, 21][i % 6]
    truth = f32(rng.normal(size=n) * 3)
    members = f32(np.round(rng.normal(size=(n, m)) * 2, 1 if i % 2 else 6))
    known = np.where(rng.random(n) < 0.2, np.nan, truth) if i > 6 and n > 2 else truth
    keep = ~np.isnan(known)
    value = ps.crps_ensemble(known[keep], members[keep]).mean() if keep.any() else None
    forecast("ensemble", f"ensemble {i}", {"crps-ensemble": value}, members=members, truth=known)
for i in range(12):
    n = int(rng.integers(1, 20))
    mean, sigma, truth = f32(rng.normal(size=n) * 5), f32(rng.uniform(0.01, 5, n)), f32(rng.normal(size=n) * 5)
    forecast("gaussian", f"gaussian {i}", {"crps-gaussian": ps.crps_gaussian(truth, mean, sigma).mean()},
             mean=mean, deviation=sigma, truth=truth)
for i in range(8):
    n, levels = int(rng.integers(1, 20)), [[0.5], [0.1, 0.5, 0.9], [0.05, 0.25, 0.5, 0.75, 0.95], [0.01, 0.99]][i % 4]
    values, truth = f32(np.sort(rng.normal(size=(n, len(levels))), 1)), f32(rng.normal(size=n))
    losses = [sk.mean_pinball_loss(truth, values[:, k], alpha=q) for k, q in enumerate(levels)]
    forecast("quantiles", f"quantiles {i}", {"crps-quantile": 2 * np.mean(losses)}, values=values, truth=truth)
    forecasts[-1]["levels"] = levels
for i in range(10):
    n = int(rng.integers(1, 25))
    low = f32(rng.normal(size=n))
    high, truth = f32(low + rng.exponential(size=n)), f32(rng.normal(size=n))
    outside = np.maximum(np.maximum(low - truth, truth - high), 0)
    expected = {"interval-coverage": ((low <= truth) & (truth <= high)).mean(), "interval-width": (high - low).mean(),
                "winkler@0.1": (high - low + 2 / 0.1 * outside).mean(), "winkler@0.5": (high - low + 2 / 0.5 * outside).mean()}
    forecast("intervals", f"intervals {i}", expected, lower=low, upper=high, truth=truth)
for i in range(20):
    n = [2, 3, 5, 10, 30, 60][i % 6]
    times, scores = f32(rng.exponential(size=n) * 5), f32(rng.normal(size=n))
    if i % 3 == 1:
        times, scores = np.ceil(times), np.round(scores)
    seen = rng.random(n) < [1.0, 0.6, 0.3][i % 3]
    try:
        value = concordance_index(times, scores, seen)
    except ZeroDivisionError:
        value = None
    forecast("survival", f"survival {i}", {"c-index": value}, times=times, scores=scores, seen=seen)

packages = ["numpy", "scipy", "scikit-learn", "torchmetrics", "torch"]
write("regress.json", cases, packages)
write("forecast.json", forecasts, ["numpy", "scikit-learn", "properscoring", "lifelines"])
