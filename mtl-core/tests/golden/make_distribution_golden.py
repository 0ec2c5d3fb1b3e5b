"""Golden values of the families of distributions, by SciPy; the CRPS by its definition, an integral or a sum, and not by a closed form.

    python -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.4.6 scipy==1.17.1
    /tmp/golden/bin/python mtl-core/tests/golden/make_distribution_golden.py
"""

import json
import pathlib
import platform

import numpy as np
import scipy
from scipy import integrate, stats

LEVELS = [0.001, 0.05, 0.25, 0.5, 0.9, 0.999]

FAMILIES = {
    "gaussian": (lambda p: stats.norm(p[0], p[1]), [[0.0, 1.0], [3.5, 0.25], [-200.0, 40.0]]),
    "laplace": (lambda p: stats.laplace(p[0], p[1]), [[0.0, 1.0], [3.5, 0.25], [-200.0, 40.0]]),
    "student-t": (lambda p: stats.t(p[2], p[0], p[1]), [[0.0, 1.0, 2.5], [3.5, 0.25, 6.0], [-200.0, 40.0, 40.0], [1.0, 2.0, 300.0]]),
    "poisson": (lambda p: stats.poisson(p[0]), [[0.05], [1.0], [4.25], [60.0], [900.0]]),
    "negative-binomial": (lambda p: stats.nbinom(1 / p[1], 1 / (1 + p[0] * p[1])), [[0.5, 0.125], [4.25, 1.0], [4.25, 3.0], [60.0, 0.25], [900.0, 0.015625]]),
}


def crps(d, y, counts):
    if counts:
        x = np.arange(0, int(max(d.ppf(1 - 1e-12), y)) + 4000)
        return float(np.sum((d.cdf(x) - (y <= x)) ** 2))
    s = d.std()
    ends = [y - 4 * s, y, y + 4 * s]
    below = integrate.quad(lambda x: d.cdf(x) ** 2, -np.inf, ends[0], epsabs=0, epsrel=1e-12, limit=500)[0]
    above = integrate.quad(lambda x: d.sf(x) ** 2, ends[2], np.inf, epsabs=0, epsrel=1e-12, limit=500)[0]
    inner = integrate.quad(lambda x: d.cdf(x) ** 2, ends[0], y, epsabs=0, epsrel=1e-13, limit=500)[0]
    inner += integrate.quad(lambda x: d.sf(x) ** 2, y, ends[2], epsabs=0, epsrel=1e-13, limit=500)[0]
    return below + inner + above


cases = []
for name, (make, parameters) in FAMILIES.items():
    counts = name in ("poisson", "negative-binomial")
    for p in parameters:
        d = make(p)
        ys = sorted({0.0, 1.0, *(float(d.ppf(q)) for q in (0.02, 0.5, 0.98))}) if counts else [d.median() + z * d.std() for z in (-5.0, -0.75, 0.0, 2.25)]
        log_density = d.logpmf if counts else d.logpdf
        cases.append(dict(
            family=name, p=p, mean=float(d.mean()), levels=LEVELS, quantiles=[float(d.ppf(q)) for q in LEVELS],
            ys=ys, log_density=[float(log_density(y)) for y in ys], cdf=[float(d.cdf(y)) for y in ys],
            crps=[float(crps(d, y, counts)) for y in ys],
        ))
versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
rows = ",\n".join(json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases)
out = pathlib.Path(__file__).with_name("distribution.json")
out.write_text(f'{{\n"versions": {json.dumps(versions)},\n"cases": [\n{rows}\n]\n}}\n')
print(out.name, len(cases), "cases", versions)
