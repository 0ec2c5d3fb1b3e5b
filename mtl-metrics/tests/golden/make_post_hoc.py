"""Golden values for calibration and conformal prediction, computed by the libraries they are to equal.

    python -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_post_hoc.py

Probabilities are f32, rows of them; labels are classes, or 0 and 1; weights, where given, are one per sample. Expected:

    temperature   scipy.optimize.minimize_scalar on the log-loss of softmax(log p / T), sigmoid(logit p / T)
    isotonic      sklearn.isotonic.IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip"), at the probabilities `at`
    calibrated    sklearn.calibration.CalibratedClassifierCV(FrozenEstimator, method="isotonic").predict_proba
    lac, ..       np.quantile(scores, ceil((n + 1) coverage) / n, method="inverted_cdf"), which is the ceil((n + 1) coverage)-th smallest;
                  method="higher" of the papers' code is one further
    proportion_ci scipy.stats.binomtest(k, n).proportion_ci()
"""

import numpy as np
from scipy import optimize, special, stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression

from golden_file import f32, nested, write

rng = np.random.default_rng(20261130)
cases = []


def softmax(z):
    return special.softmax(z, axis=-1)


def drawn(n, c, sharpness):
    """Probabilities f32 that are sharper than what comes true."""
    z = rng.normal(size=(n, c)) * 1.5
    true = softmax(z)
    labels = np.array([rng.choice(c, p=row) for row in true])
    return f32(softmax(sharpness * z)), labels


def log_loss(t, probs, labels, weights):
    logq = special.log_softmax(np.log(probs) / t, axis=-1)
    return -(weights * logq[np.arange(len(labels)), labels]).sum()


def temperature(probs, labels, weights):
    found = optimize.minimize_scalar(
        lambda u: log_loss(np.exp(u), probs, labels, weights), bracket=(-0.5, 0.5), method="brent", options={"xtol": 1e-13}
    )
    return float(np.exp(found.x))


class AsSaid(ClassifierMixin, BaseEstimator):
    """A classifier whose input are its probabilities."""

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, x):
        return x

    def predict(self, x):
        return x.argmax(1)


def order(row):
    return np.argsort(-row, kind="stable")


def score(kind, row, label):
    if kind == "lac":
        return 1 - row[label]
    by = order(row)
    rank = int(np.flatnonzero(by == label)[0])
    if kind == "aps":
        return row[by][: rank + 1].cumsum()[-1]
    if kind == "raps":
        return row[by][: rank + 1].cumsum()[-1] + 0.1 * max(0, rank + 1 - 2)
    low = high = int(row.argmax())
    total = row[low]
    while not low <= label <= high:
        below = row[low - 1] if low > 0 else -1.0
        above = row[high + 1] if high + 1 < len(row) else -1.0
        if above > below:
            high += 1
            total += row[high]
        else:
            low -= 1
            total += row[low]
    return total


def quantile(scores, coverage):
    n = len(scores)
    k = int(np.ceil((n + 1) * coverage - 1e-9))
    found = float(np.quantile(scores, k / n, method="inverted_cdf"))
    assert found == np.sort(scores)[k - 1]
    return found


for n, c, sharpness in [(40, 2, 2.0), (150, 3, 2.5), (300, 5, 0.6)]:
    for weighted in [False, True]:
        probs, labels = drawn(n, c, sharpness)
        weights = rng.integers(1, 4, n).astype(float) if weighted else np.ones(n)
        case = {"probs": nested(probs), "labels": labels.tolist()}
        if weighted:
            case["weights"] = weights.tolist()
        expected = {"temperature": temperature(probs, labels, weights)}
        yes = (labels == 1).astype(float)
        p = probs[:, 1]
        regression = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p, yes, sample_weight=weights)
        at = f32(np.concatenate([rng.uniform(size=20), [0.0, 1.0], p[:10]]))
        case["at"] = nested(at)
        expected["isotonic"] = regression.predict(at).tolist()
        two = np.stack([1 - p, p], 1)
        expected["temperature_of_yes"] = temperature(two, yes.astype(int), weights)
        if not weighted:
            model = CalibratedClassifierCV(FrozenEstimator(AsSaid().fit(probs, labels)), method="isotonic")
            model.fit(probs, labels)
            # Of one calibrator on all: scikit-learn fits the frozen estimator's calibrators on everything.
            expected["calibrated"] = model.predict_proba(probs[:20]).tolist()
            for kind in ["lac", "aps", "raps", "contiguous"]:
                scores = np.array([score(kind, row, label) for row, label in zip(probs, labels)])
                expected[kind] = [quantile(scores, coverage) for coverage in (0.5, 0.8, 0.9)]
        case["expected"] = expected
        cases.append(case)

shares = [(0, 5), (5, 5), (8, 10), (88, 100), (900, 1000)]
intervals = [list(stats.binomtest(k, n).proportion_ci()) for k, n in shares]
cases.append({"shares": shares, "expected": {"proportion_ci": [[float(x) for x in row] for row in intervals]}})

write("post_hoc.json", cases, ["scikit-learn", "scipy", "numpy"])
