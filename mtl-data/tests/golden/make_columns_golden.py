"""Golden values of scaled columns: NumPy for `standard`, `log1p-standard` and `robust`, scikit-learn for `quantile`.

`robust` is written from section 3 of Holzmüller et al. 2024 (arXiv 2407.04491). Of a constant column `robust` and `quantile` have our
own rules, as our essay says.
Edges are `numpy.quantile` of the scaled training numbers, distinct in single precision.

    python -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.4.6 scikit-learn==1.9.1
    /tmp/golden/bin/python mtl-data/tests/golden/make_columns_golden.py
"""

import json
import pathlib
import platform

import numpy as np
import sklearn
from sklearn.preprocessing import QuantileTransformer

rng = np.random.default_rng(11)
LANDMARKS = 256


def standard(train):
    std = train.std()
    return lambda x: (x - train.mean()) / (std if std > 0 else 1.0)


def log1p_standard(train):
    log = lambda x: np.sign(x) * np.log1p(np.abs(x))
    scaled = standard(log(train))
    return lambda x: scaled(log(x))


def robust(train):
    spread = np.quantile(train, 0.75) - np.quantile(train, 0.25)
    if spread == 0:
        spread = 0.5 * (train.max() - train.min())
    spread = spread if spread > 0 else 1.0
    def scaled(x):
        u = (x - np.median(train)) / spread
        return u / np.sqrt(1 + (u / 3) ** 2)
    return scaled


def quantile(train):
    made = QuantileTransformer(n_quantiles=min(LANDMARKS, len(train)), output_distribution="normal", subsample=None)
    made.fit(train[:, None])
    return lambda x: made.transform(np.asarray(x)[:, None])[:, 0]


TRANSFORMS = {"standard": standard, "log1p-standard": log1p_standard, "none": lambda _: lambda x: x, "robust": robust, "quantile": quantile}


def case(train, xs, leave_out=()):
    train, xs = np.asarray(train, float), np.asarray(xs, float)
    transforms = {}
    for name, fit in TRANSFORMS.items():
        if name in leave_out:
            continue
        scaled = fit(train)
        edges = np.unique(np.quantile(scaled(train), np.linspace(0, 1, 49)).astype(np.float32))
        transforms[name] = dict(scaled=scaled(xs).tolist(), edges=[float(x) for x in edges])
    return dict(train=train.tolist(), xs=xs.tolist(), transforms=transforms)


def rounded(values):
    return np.round(values, 3)


cases = [
    case(rounded(rng.normal(3, 2, 400)), [-9, -1.25, 2.5, 3.14, 4, 7.75, 30]),
    case(rounded(np.exp(rng.normal(1, 2, 90))), [0, 0.004, 0.5, 2, 40, 1e3, 1e6]),
    case(rng.choice([0, 1, 2, 5], 60, p=[0.6, 0.2, 0.1, 0.1]), [-1, 0, 0.5, 1, 2, 3, 5, 6]),
    case([7.0] * 5, [7.0], leave_out=["quantile"]),
]
file = dict(versions=dict(python=platform.python_version(), numpy=np.__version__, sklearn=sklearn.__version__), cases=cases)
pathlib.Path(__file__).with_name("columns.json").write_text(json.dumps(file, separators=(",", ":")) + "\n")
