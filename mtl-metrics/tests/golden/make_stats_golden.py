"""Makes stats.json: what mtl_metrics::stats computes, as scipy does.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.4.6 scipy==1.17.1
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_stats_golden.py
"""

import json
import pathlib
import platform

import numpy as np
import scipy
from scipy import stats

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

out = {
    "made_with": {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__},
    "estimates": estimates,
    "friedman": friedman,
    "ranges": ranges,
}
path = pathlib.Path(__file__).with_name("stats.json")
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(path, path.stat().st_size, "bytes")
