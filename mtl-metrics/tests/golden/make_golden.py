"""Makes metrics.json: the metrics of mtl-metrics as scikit-learn computes them.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_golden.py

Inputs are rounded to f32 first, so that both sides see the same numbers. Missing labels are null in the file and are
deleted before scikit-learn sees them. A value that is not defined is null; where our answer differs on purpose, the
case says so in "note" and the value is computed by the rule that the metric's page states.
"""

import json
import pathlib
import platform

import numpy as np
import scipy
import sklearn
from sklearn import metrics as sk

rng = np.random.default_rng(20251123)
cases, confusions, rocs = [], [], []


def f32(x):
    return np.asarray(x, np.float32).astype(np.float64)


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def log_softmax(z):
    m = z.max(1, keepdims=True)
    return z - m - np.log(np.exp(z - m).sum(1, keepdims=True))


def nested(x):
    """Rows of the shortest decimals that read back as the same f32; null for NaN."""
    return [[None if np.isnan(v) else float(str(np.float32(v))) for v in row] for row in x]


def add(metric, name, task, kind, said, truth, value, parts=1, left_out=0, note=None):
    if not cases or cases[-1]["name"] != name or cases[-1]["task"] != task:
        truth = [int(v) for v in truth] if task == "class" else nested(truth)
        cases.append(dict(name=name, task=task, kind=kind, said=nested(said), truth=truth, expected=[]))
    value = None if value is None or not np.isfinite(value) else float(value)
    expected = dict(metric=metric, value=value, parts=parts, left_out=left_out)
    cases[-1]["expected"].append(expected | ({"note": note} if note else {}))


def mean_of(parts):
    """Value, parts, left out of an average over the defined parts."""
    defined = [p for p in parts if p is not None]
    return (np.mean(defined) if defined else None), len(parts), len(parts) - len(defined)


def auc(y, s):
    return sk.roc_auc_score(y, s) if 0 < y.sum() < len(y) else None


def class_case(name, scores, kind, labels):
    s, y = f32(scores), np.asarray(labels)
    n, c = s.shape
    known = y != -100
    sk_s, sk_y = s[known], y[known]
    top = sk_s.argmax(1) if n else sk_y
    some = known.any()
    add("accuracy", name, "class", kind, s, y, sk.accuracy_score(sk_y, top) if some else None)
    present = len(set(sk_y) | set(top))
    f1 = sk.f1_score(sk_y, top, average="macro") if some else None
    add("macro-f1", name, "class", kind, s, y, f1, c, c - present)
    if some:
        confusions.append(dict(name=name, task="class", kind=kind, said=nested(s), truth=[int(v) for v in y],
                               counts=sk.confusion_matrix(sk_y, top, labels=range(c)).tolist()))
    if not some:
        loss = None
    elif kind == "probs":
        onehot = np.eye(c)[sk_y]
        loss = sk.log_loss(sk_y, sk_s, labels=range(c)) if c > 1 else None
        by_hand = -np.log(np.clip((sk_s * onehot).sum(1), 2.0**-52, 1 - 2.0**-52)).mean()
        assert loss is None or abs(loss - by_hand) < 1e-12, name
        loss = by_hand
    else:
        loss = -log_softmax(sk_s)[np.arange(len(sk_y)), sk_y].mean()
    add("log-loss", name, "class", kind, s, y, loss)
    if c == 2:
        score = sk_s[:, 1] if kind == "probs" else f32(sk_s[:, 1] - sk_s[:, 0])
        value = (auc(sk_y == 1, score) if some else None, 1, int(not some or len(set(sk_y)) < 2))
    else:
        ranked = sk_s if kind == "probs" else f32(log_softmax(sk_s))
        value = mean_of([auc(sk_y == k, ranked[:, k]) if some else None for k in range(c)])
        if kind == "probs" and value[2] == 0:
            official = sk.roc_auc_score(sk_y, sk_s, multi_class="ovr", average="macro")
            assert abs(official - value[0]) < 1e-12, name
    add("auroc", name, "class", kind, s, y, *value)


def label_case(name, scores, kind, labels):
    s, y = f32(scores), np.asarray(labels, float)
    c = s.shape[1]
    known = ~np.isnan(y)
    yes = s > (0.5 if kind == "probs" else 0.0)
    flat_y, flat_yes, flat_s = y[known], yes[known], s[known]
    some = known.any()
    value = 1 - sk.hamming_loss(flat_y, flat_yes) if some else None
    add("accuracy", name, "multi-label", kind, s, y, value, note="1 - hamming_loss" if c > 1 else None)
    columns = [(y[known[:, k], k], yes[known[:, k], k], s[known[:, k], k]) for k in range(c)]
    if c == 1:
        truth, said, _ = columns[0]
        present = len(set(truth) | set(said * 1.0))
        value = sk.f1_score(truth, said, average="macro") if some else None
        add("macro-f1", name, "multi-label", kind, s, y, value, 2, 2 - present)
    else:
        f1 = [sk.f1_score(t, p) if t.any() or p.any() else None for t, p, _ in columns]
        note = "labels neither true nor predicted are left out" if None in f1 else None
        if some and known.all() and None not in f1:
            assert abs(sk.f1_score(y, yes, average="macro") - np.mean(f1)) < 1e-12
        add("macro-f1", name, "multi-label", kind, s, y, *mean_of(f1), note=note)
    if not some:
        loss = None
    elif kind == "probs":
        loss = sk.log_loss(flat_y, flat_s, labels=[0, 1])
    else:
        wrong = np.where(flat_y == 1, -flat_s, flat_s)
        loss = np.mean(np.maximum(wrong, 0) + np.log1p(np.exp(-np.abs(wrong))))
    add("log-loss", name, "multi-label", kind, s, y, loss)
    add("auroc", name, "multi-label", kind, s, y, *mean_of([auc(t, p) for t, _, p in columns]))
    if c == 1 and known.all() and 0 < y.sum() < len(y):
        fpr, tpr, threshold = sk.roc_curve(y[:, 0], s[:, 0], drop_intermediate=False)
        rocs.append(dict(name=name, task="multi-label", kind=kind, said=nested(s), truth=nested(y), fpr=fpr.tolist(),
                         tpr=tpr.tolist(), threshold=[None if np.isinf(t) else float(t) for t in threshold]))


def value_case(name, said, truth):
    p, y = f32(said), f32(truth)
    known = ~np.isnan(y)
    columns = [(y[known[:, k], k], p[known[:, k], k]) for k in range(y.shape[1])]
    mae = [sk.mean_absolute_error(t, q) if len(t) else None for t, q in columns]
    rmse = [sk.root_mean_squared_error(t, q) if len(t) else None for t, q in columns]
    r2 = [sk.r2_score(t, q) if len(t) > 1 and len(set(t)) > 1 else None for t, q in columns]
    if known.all():
        for parts, function in [(mae, sk.mean_absolute_error), (rmse, sk.root_mean_squared_error), (r2, sk.r2_score)]:
            if None not in parts:
                official = function(y, p, multioutput="uniform_average")
                assert abs(official - np.mean(parts)) <= 1e-12 * max(1, abs(official)), name
    add("mae", name, "values", None, p, y, *mean_of(mae))
    add("rmse", name, "values", None, p, y, *mean_of(rmse))
    note = "constant targets are undefined (scikit-learn: 1 or 0)" if None in r2 else None
    add("r2", name, "values", None, p, y, *mean_of(r2), note=note)


# Classes.
z3, y3 = rng.normal(size=(40, 3)), rng.integers(0, 3, 40)
z2, y2 = rng.normal(size=(60, 2)), rng.integers(0, 2, 60)
class_case("three classes, logits", z3, "logits", y3)
class_case("three classes, probs", softmax(z3), "probs", y3)
class_case("two classes, logits", z2, "logits", y2)
class_case("two classes, probs", softmax(z2), "probs", y2)
class_case("two classes, all ties", np.full((9, 2), 0.5), "probs", y2[:9])
class_case("two classes, few distinct", softmax(np.round(z2)), "probs", y2)
class_case("one class only", softmax(z2[:8]), "probs", np.ones(8, int))
class_case("n = 1", softmax(z3[:1]), "probs", [2])
class_case("missing", softmax(z3), "probs", np.where(rng.random(40) < 0.4, -100, y3))
class_case("missing, logits", z2 * 5, "logits", np.where(rng.random(60) < 0.4, -100, y2))
class_case("all missing", softmax(z3[:4]), "probs", np.full(4, -100))
class_case("absent class", softmax(rng.normal(size=(12, 5))), "probs", rng.choice([0, 2, 3], 12))
class_case("imbalanced", softmax(rng.normal(size=(150, 4)) + [3, 0, 0, 0]), "probs", rng.choice(4, 150, p=[0.9, 0.05, 0.04, 0.01]))
class_case("certain and wrong", [[1, 0], [0, 1], [1, 0]], "probs", [1, 1, 0])
class_case("perfect", np.eye(4), "probs", [0, 1, 2, 3])
class_case("huge logits", [[1e30, -1e30], [88.0, -88.0], [700.0, 710.0], [-1e4, 1e4]], "logits", [0, 0, 1, 1])
class_case("tiny probs", [[1e-30, 1 - 1e-30], [1e-7, 1 - 1e-7], [0.3, 0.7]], "probs", [0, 1, 0])
class_case("ties in top class", [[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [1 / 3, 1 / 3, 1 / 3]], "probs", [1, 2, 0])

# Yes/no labels.
z1, y1 = rng.normal(size=(50, 1)), (rng.random((50, 1)) < 0.3) * 1.0
z4, y4 = rng.normal(size=(40, 4)), (rng.random((40, 4)) < [0.5, 0.2, 0.7, 0.1]) * 1.0
holes = np.where(rng.random((40, 4)) < 0.3, np.nan, y4)
label_case("binary, probs", sigmoid(z1), "probs", y1)
label_case("binary, logits", z1, "logits", y1)
label_case("binary, ties", np.round(sigmoid(z1), 1), "probs", y1)
label_case("binary, at the threshold", [[0.5], [0.5], [0.0], [1.0]], "probs", [[1.0], [0.0], [0.0], [1.0]])
label_case("binary, all no", sigmoid(z1[:6]), "probs", np.zeros((6, 1)))
label_case("binary, all yes", z1[:6], "logits", np.ones((6, 1)))
label_case("binary, n = 1", [[0.7]], "probs", [[1.0]])
label_case("binary, signed zeros", [[0.0], [-0.0], [0.0], [-1.0]], "logits", [[1.0], [0.0], [0.0], [1.0]])
label_case("binary, inverted", [[0.9], [0.8], [0.1]], "probs", [[0.0], [0.0], [1.0]])
label_case("four labels, probs", sigmoid(z4), "probs", y4)
label_case("four labels, logits", z4, "logits", y4)
label_case("four labels, missing", sigmoid(z4), "probs", holes)
label_case("four labels, missing, logits", z4 * 10, "logits", holes)
label_case("all missing", sigmoid(z4[:3]), "probs", np.full((3, 4), np.nan))
label_case("one label unknown", sigmoid(z4), "probs", np.where([False, True, False, False], np.nan, y4))
label_case("a label never yes", sigmoid(z4 - [0, 9, 0, 0]), "probs", y4 * [1, 0, 1, 1])
label_case("certain and wrong", [[1.0, 0.0], [0.0, 1.0]], "probs", [[0.0, 0.0], [1.0, 1.0]])

# Numbers.
y = rng.normal(size=(30, 1)) * 10 + 3
value_case("one output", y + rng.normal(size=y.shape), y)
y = rng.normal(size=(25, 3)) * [1, 100, 1e-3]
value_case("three outputs", y + rng.normal(size=y.shape) * [1, 10, 1e-3], y)
value_case("three outputs, missing", y * 1.1, np.where(rng.random(y.shape) < 0.4, np.nan, y))
value_case("perfect", y, y)
value_case("constant target", rng.normal(size=(7, 1)), np.full((7, 1), 0.1))
value_case("constant target, perfect", np.full((7, 1), 0.1), np.full((7, 1), 0.1))
value_case("one constant output", rng.normal(size=(9, 2)), np.c_[np.full(9, 4.0), rng.normal(size=9)])
value_case("n = 1", [[2.0]], [[3.0]])
value_case("n = 2", [[2.0], [5.0]], [[3.0], [4.0]])
value_case("all missing", [[2.0], [5.0]], [[np.nan], [np.nan]])
value_case("an output unknown", [[2.0, 1.0], [5.0, 1.0]], [[np.nan, 3.0], [np.nan, 2.0]])
value_case("large mean, small spread", np.full((20, 1), 1e6), 1e6 + rng.integers(-4, 5, (20, 1)))
value_case("worse than the mean", -y, y)
value_case("wide range", rng.normal(size=(20, 1)) * 1e18, 10 ** rng.uniform(-20, 18, (20, 1)))

versions = {"python": platform.python_version(), "numpy": np.__version__, "scikit-learn": sklearn.__version__, "scipy": scipy.__version__}
out = pathlib.Path(__file__).with_name("metrics.json")
groups = {"cases": cases, "confusions": confusions, "rocs": rocs}
lines = [f'"versions": {json.dumps(versions)}']
for group, members in groups.items():
    rows = ",\n".join(json.dumps(member, separators=(",", ":"), allow_nan=False) for member in members)
    lines.append(f'"{group}": [\n{rows}\n]')
out.write_text("{\n" + ",\n".join(lines) + "\n}\n")
print(out, {g: len(m) for g, m in groups.items()}, sum(len(case["expected"]) for case in cases), "values", versions)
