"""Golden values for class, binary, multi-label and ordinal metrics, computed by the libraries they are to equal.

    python -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 \\
        torch torchmetrics==1.9.0 rdkit
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_class.py

Inputs are rounded to f32 first, so that both sides see the same numbers. Missing labels are null or -100 in the file and
are deleted before a library sees them. "expected" holds values that must be equal, null where they are undefined; "theirs"
what the library says where our answer differs on purpose (the test states ours).
"""

import warnings

import numpy as np
import torch
from rdkit.ML.Scoring import Scoring
from scipy import stats
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm

from golden_file import f32, nested, number, write

warnings.simplefilter("ignore")
rng = np.random.default_rng(20261125)
class_cases, binary_cases, label_cases, ordinal_cases = [], [], [], []


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def log_softmax(z):
    m = z.max(1, keepdims=True)
    return z - m - np.log(np.exp(z - m).sum(1, keepdims=True))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def mean_defined(parts):
    defined = [p for p in parts if p is not None]
    return np.mean(defined) if defined else None


def quantile_ece(right, confidence, m=15, raised=0.0):
    """The bins of calibration_curve(strategy="quantile"), weighted by content.

    numpy rounds some quantiles that fall on a confidence to just below it; edges raised by less than f32 tells apart do not.
    """
    edges = np.percentile(confidence, np.linspace(0, 1, m + 1) * 100) * (1 + raised)
    ids = np.searchsorted(edges[1:-1], confidence)
    acc, conf = (np.bincount(ids, weights=x, minlength=m) for x in (right, confidence))
    total = np.bincount(ids, minlength=m)
    if raised:
        return np.abs(acc - conf).sum() / total.sum()
    prob_true, prob_pred = sk_calibration(right, confidence, m)
    assert np.allclose(prob_true, (acc / np.where(total, total, 1))[total > 0])
    assert np.allclose(prob_pred, (conf / np.where(total, total, 1))[total > 0])
    return np.abs(acc - conf).sum() / total.sum()


def sk_calibration(right, confidence, m):
    from sklearn.calibration import calibration_curve

    if len(set(right)) < 2:  # it wants both answers; the bins are what is compared
        edges = np.percentile(confidence, np.linspace(0, 1, m + 1) * 100)
        ids = np.searchsorted(edges[1:-1], confidence)
        total = np.bincount(ids, minlength=m)
        keep = total > 0
        return [(np.bincount(ids, weights=x, minlength=m)[keep] / total[keep]) for x in (right, confidence)]
    return calibration_curve(right, confidence, n_bins=m, strategy="quantile")


def bins_ece(right, confidence, w=None, m=15):
    """ECE and MCE over bins closed below; equal to torchmetrics where it takes part (no weights, no confidence of 1)."""
    w = np.ones(len(right)) if w is None else w
    ids = np.minimum(np.searchsorted(np.arange(m + 1) / m, confidence, side="right") - 1, m - 1)
    total, acc, conf = (np.bincount(ids, weights=x, minlength=m) for x in (w, w * right, w * confidence))
    keep = total > 0
    gaps = np.abs(acc[keep] - conf[keep]) / total[keep]
    return (gaps * total[keep]).sum() / total.sum(), gaps.max()


def ranking(y, s, w=None):
    """Every ranking metric of one question; None where it is not defined."""
    y = np.asarray(y, float)
    wt = np.ones(len(y)) if w is None else w
    p, n = (wt * y).sum(), (wt * (1 - y)).sum()
    out = dict.fromkeys(["auroc", "average-precision", "ks", "gini", "eer", "partial-auroc@0.1", "min-dcf@0.01",
                         "recall@fpr=0.01", "recall@fpr=0.3", "precision@recall=0.9", "precision@recall=0.5",
                         "recall@precision=0.9", "recall@precision=0.6", "specificity@sensitivity=0.9", "ef@1%", "ef@20%",
                         "bedroc@20"])
    if w is not None:
        for name in ["ef@1%", "ef@20%", "bedroc@20"]:
            del out[name]
    if p > 0:
        out["average-precision"] = sk.average_precision_score(y, s, sample_weight=w)
        prec, rec, _ = sk.precision_recall_curve(y, s, sample_weight=w)
        prec, rec = prec[:-1], rec[:-1]
        for r in (0.9, 0.5):
            out[f"precision@recall={r}"] = prec[rec >= r].max()
        for q in (0.9, 0.6):
            out[f"recall@precision={q}"] = max(rec[prec >= q], default=0.0)
        if w is None:
            order = np.argsort(-s, kind="stable")
            ties = len(set(s)) < len(s)
            for percent in (1, 20):
                if not ties:
                    found = Scoring.CalcEnrichment([[bool(v)] for v in y[order]], 0, [percent / 100])
                    if found:
                        out[f"ef@{percent}%"] = found[0]
                    else:  # it says nothing about few samples
                        del out[f"ef@{percent}%"]
                else:
                    del out[f"ef@{percent}%"]
    if p > 0 and n > 0:
        out["auroc"] = sk.roc_auc_score(y, s, sample_weight=w)
        out["gini"] = 2 * out["auroc"] - 1
        out["partial-auroc@0.1"] = sk.roc_auc_score(y, s, sample_weight=w, max_fpr=0.1)
        fpr, tpr, _ = sk.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
        out["ks"] = np.abs(tpr - fpr).max()
        if w is None:
            assert abs(out["ks"] - stats.ks_2samp(s[y == 1], s[y == 0]).statistic) < 1e-12
        best = np.argmin(np.abs(1 - tpr - fpr))
        out["eer"] = (1 - tpr[best] + fpr[best]) / 2
        if w is None:
            theirs = tm.binary_eer(torch.tensor(s), torch.tensor(y.astype(int))) if 0 <= s.min() and s.max() <= 1 else None
            assert theirs is None or abs(float(theirs) - out["eer"]) < 1e-6
        out["min-dcf@0.01"] = (0.01 * (1 - tpr) + 0.99 * fpr).min() / 0.01
        for x in (0.01, 0.3):
            out[f"recall@fpr={x}"] = tpr[fpr <= x].max()
        out["specificity@sensitivity=0.9"] = (1 - fpr)[tpr >= 0.9].max()
        if w is None:
            if len(set(s)) == len(s):
                order = np.argsort(-s, kind="stable")
                out["bedroc@20"] = Scoring.CalcBEDROC([[bool(v)] for v in y[order]], 0, 20.0)
            else:
                del out["bedroc@20"]
    return out


def by_column(rankings):
    names = [name for name in rankings[0] if all(name in r for r in rankings)]
    return {name: mean_defined([r[name] for r in rankings]) for name in names}


def case(into, name, task, kind, said, truth, w, expected, theirs=None):
    truth = [int(v) for v in truth] if task == "class" else nested(truth)
    entry = dict(name=name, task=task, kind=kind, said=nested(said), truth=truth)
    if w is not None:
        entry["weights"] = nested(w)
    entry["expected"] = {k: number(v) for k, v in expected.items()}
    if theirs:
        entry["theirs"] = {k: number(v) for k, v in theirs.items()}
    into.append(entry)


def class_case(name, scores, kind, labels, w=None, into=class_cases):
    s, y = f32(scores), np.asarray(labels)
    w_all = None if w is None else f32(w)
    c = s.shape[1]
    known = y != -100
    p, t, w = s[known], y[known], None if w_all is None else w_all[known]
    some = known.any() and (w is None or w.sum() > 0)
    if not some:
        names = ["accuracy", "macro-precision", "macro-recall", "macro-f1", "weighted-f1", "micro-f1", "cohen-kappa", "mcc",
                 "brier", "ece", "balanced-accuracy", "quadratic-kappa", "grade-mae", "off-by-one", "grade-kendall",
                 "grade-spearman", "auroc", "average-precision"]
        return case(into, name, "class", kind, s, y, w_all, dict.fromkeys(names))
    top = p.argmax(1)
    options = dict(sample_weight=w)
    nan = options | dict(labels=range(c), zero_division=np.nan)
    e, theirs = {}, {}
    e["accuracy"] = sk.accuracy_score(t, top, **options)
    ties = any(len(set(row)) < c for row in p)
    if c > 5 and not ties:
        e["top-5-accuracy"] = sk.top_k_accuracy_score(t, p, k=5, labels=range(c), **options)
    for k in (2, 3):
        if c > k and not ties:
            e[f"top-{k}-accuracy"] = sk.top_k_accuracy_score(t, p, k=k, labels=range(c), **options)
    e["balanced-accuracy"] = sk.balanced_accuracy_score(t, top, **options)
    for avg in ("macro", "micro", "weighted"):
        e[f"{avg}-precision"] = sk.precision_score(t, top, average=avg, **nan)
        e[f"{avg}-recall"] = sk.recall_score(t, top, average=avg, **nan)
        e[f"{avg}-f1"] = sk.f1_score(t, top, average=avg, **nan)
        e[f"{avg}-f2"] = sk.fbeta_score(t, top, beta=2, average=avg, **nan)
        e[f"{avg}-f0.5"] = sk.fbeta_score(t, top, beta=0.5, average=avg, **nan)
    theirs["macro-precision"] = sk.precision_score(t, top, average="macro", labels=range(c), **options)
    for name_, weights in [("cohen-kappa", None), ("linear-kappa", "linear"), ("quadratic-kappa", "quadratic")]:
        e[name_] = sk.cohen_kappa_score(t, top, labels=range(c), weights=weights, **options) if len(set(t) | set(top)) > 1 else None
    both = len(set(t)) > 1 and len(set(top)) > 1
    e["mcc"] = sk.matthews_corrcoef(t, top, **options) if both else None
    if not both:
        theirs["mcc"] = sk.matthews_corrcoef(t, top, **options)
    probs = p if kind == "probs" else softmax(p)
    onehot = np.eye(c)[t]
    brier = ((probs - onehot) ** 2).sum(1)
    e["brier"] = np.average(brier, weights=w) / (2 if c == 2 else 1)
    if c > 2 and np.allclose(probs.sum(1), 1, atol=1e-7):
        official = sk.brier_score_loss(t, probs / probs.sum(1, keepdims=True), labels=range(c), **options)
        assert abs(official - e["brier"]) < 1e-6, name
    e["log-loss"] = np.average(-np.log(np.clip(probs[np.arange(len(t)), t], 2.0**-52, 1 - 2.0**-52)) if kind == "probs"
                               else -log_softmax(p)[np.arange(len(t)), t], weights=w)
    confidence, right = probs.max(1), (top == t) * 1.0
    e["ece"], e["mce"] = bins_ece(right, confidence, w)
    if w is None:
        q = f32(confidence)
        e["adaptive-ece"] = quantile_ece(right, q, raised=1e-12)
        if abs(quantile_ece(right, q) - e["adaptive-ece"]) > 1e-12:
            theirs["adaptive-ece"] = quantile_ece(right, q)
        if c > 2 and kind == "probs":
            for norm, mine in (("l1", e["ece"]), ("max", e["mce"])):
                official = float(tm.multiclass_calibration_error(torch.tensor(p), torch.tensor(t), c, norm=norm, n_bins=15))
                if confidence.max() < 1:
                    assert abs(official - mine) < 1e-6, (name, official, mine)
                else:
                    theirs["ece" if norm == "l1" else "mce"] = official
    if kind == "logits":
        if c == 2:
            e["hinge"] = np.average(np.maximum(0, 1 - np.where(t == 1, 1, -1) * (p[:, 1] - p[:, 0])), weights=w)
            if len(set(t)) == 2:
                assert abs(sk.hinge_loss(t, p[:, 1] - p[:, 0], **options) - e["hinge"]) < 1e-9
        elif c > 2:
            e["hinge"] = sk.hinge_loss(t, p, labels=range(c), **options)
    if c == 2:
        score = p[:, 1] if kind == "probs" else f32(p[:, 1] - p[:, 0])
        e |= ranking(t == 1, score, w)
        if w is None:
            e["auroc-ovo"] = e["auroc"]
    else:
        ranked = p if kind == "probs" else f32(log_softmax(p))
        e |= by_column([ranking(t == k, ranked[:, k], w) for k in range(c)])
        if w is None:
            pairs = []
            for i in range(c):
                for j in range(i + 1, c):
                    m = (t == i) | (t == j)
                    if (t == i).any() and (t == j).any():
                        pairs.append((sk.roc_auc_score(t[m] == i, ranked[m, i]) + sk.roc_auc_score(t[m] == j, ranked[m, j])) / 2)
                    else:
                        pairs.append(None)
            e["auroc-ovo"] = mean_defined(pairs)
            if kind == "probs" and None not in pairs and c > 2:
                scaled = probs / probs.sum(1, keepdims=True)
                if not ties:
                    official = sk.roc_auc_score(t, scaled, multi_class="ovo", average="macro", labels=range(c))
                    assert abs(official - e["auroc-ovo"]) < 1e-9, name
    wt = np.ones(len(t)) if w is None else w
    observed = [(wt * (t == k)).sum() for k in range(c)]
    ratios = [None if o == 0 else (wt * probs[:, k]).sum() / o for k, o in enumerate(observed)]
    ratios = ratios[1:] if c == 2 else ratios
    e["pcoc-error"] = mean_defined([None if r is None else abs(r - 1) for r in ratios])
    e |= graded(t, top, w)
    case(into, name, "class", kind, s, y, w_all, e, theirs)


def graded(t, top, w=None):
    e = {}
    e["grade-mae"] = sk.mean_absolute_error(t, top, sample_weight=w)
    e["off-by-one"] = sk.accuracy_score(np.abs(t - top) <= 1, np.ones(len(t)), sample_weight=w)
    if w is None:
        both = len(set(t)) > 1 and len(set(top)) > 1
        e["grade-kendall"] = stats.kendalltau(t, top).statistic if both else None
        e["grade-spearman"] = stats.spearmanr(t, top).statistic if both else None
    return e


def label_case(name, scores, kind, labels, w=None, into=label_cases):
    s, y = f32(scores), np.asarray(labels, float)
    w_all = None if w is None else f32(w)
    c = s.shape[1]
    known = ~np.isnan(y)
    threshold = 0.5 if kind == "probs" else 0.0
    yes = (s > threshold) * 1.0
    columns = [(y[known[:, k], k], s[known[:, k], k], yes[known[:, k], k], None if w is None else w_all[known[:, k]]) for k in range(c)]
    e, theirs = by_column([ranking(t, q, wk) for t, q, _, wk in columns]), {}
    rows_w = None if w is None else np.repeat(w_all[:, None], c, 1)[known]
    flat_y, flat_yes, flat_s = y[known], yes[known], s[known]
    if not known.any():
        for metric in ("accuracy", "hamming-loss", "micro-f1", "samples-f1", "subset-accuracy", "lrap", "ranking-loss",
                       "coverage-error", "one-error", "brier", "ece", "mcc", "balanced-accuracy"):
            e[metric] = None
        return case(into, name, "multi-label", kind, s, y, w_all, e)
    e["hamming-loss"] = np.average(flat_y != flat_yes, weights=rows_w)
    e["accuracy"] = 1 - e["hamming-loss"]
    probs = flat_s if kind == "probs" else sigmoid(flat_s)
    e["brier"] = np.average((probs - flat_y) ** 2, weights=rows_w)
    e["ece"], e["mce"] = bins_ece(flat_y, probs, rows_w)
    if w is None:
        e["adaptive-ece"] = quantile_ece(flat_y, f32(probs), raised=1e-12)
        if abs(quantile_ece(flat_y, f32(probs)) - e["adaptive-ece"]) > 1e-12:
            theirs["adaptive-ece"] = quantile_ece(flat_y, f32(probs))
        if kind == "probs" and probs.max() < 1:
            official = float(tm.binary_calibration_error(torch.tensor(flat_s), torch.tensor(flat_y.astype(int)), norm="l1"))
            assert abs(official - e["ece"]) < 1e-6, (name, official, e["ece"])
    if kind == "logits":
        e["hinge"] = np.average(np.maximum(0, 1 - np.where(flat_y == 1, 1, -1) * flat_s), weights=rows_w)
    ratios = []
    for k in range(c):
        t, q, _, wk = columns[k]
        wk = np.ones(len(t)) if wk is None else wk
        pk = q if kind == "probs" else sigmoid(q)
        ratios.append(abs((wk * pk).sum() / (wk * t).sum() - 1) if (wk * t).sum() > 0 else None)
    e["pcoc-error"] = mean_defined(ratios)
    e["micro-f1"] = sk.f1_score(flat_y, flat_yes, sample_weight=rows_w, zero_division=np.nan)
    if c > 1:
        f1 = [sk.f1_score(t, p, sample_weight=wk, zero_division=np.nan) for t, _, p, wk in columns]
        e["macro-f1"] = mean_defined([None if np.isnan(v) else v for v in f1])
        # Samples of weight 0 are not there; where they leave one class, ours is undefined and the library's 0.
        some = [[x if wk is None else x[wk > 0] for x in (t, p, np.ones(len(t)) if wk is None else wk)] for t, _, p, wk in columns]
        mcc = [sk.matthews_corrcoef(t, p, sample_weight=wk) if len(set(t)) > 1 and len(set(p)) > 1 else None for t, p, wk in some]
        e["mcc"] = mean_defined(mcc)
        balanced = [sk.balanced_accuracy_score(t, p, sample_weight=wk) for t, _, p, wk in columns if len(t) and (wk is None or wk.any())]
        e["balanced-accuracy"] = mean_defined(balanced)
    else:
        t, _, p, wk = columns[0]
        e["macro-f1"] = sk.f1_score(t, p, average="macro", sample_weight=wk)
        e["weighted-f1"] = sk.f1_score(t, p, average="weighted", sample_weight=wk)
        both = len(set(t)) > 1 and len(set(p)) > 1
        e["mcc"] = sk.matthews_corrcoef(t, p, sample_weight=wk) if both else None
        e["balanced-accuracy"] = sk.balanced_accuracy_score(t, p, sample_weight=wk)
        e["cohen-kappa"] = sk.cohen_kappa_score(t, p, sample_weight=wk) if len(set(t) | set(p)) > 1 else None
        e["macro-precision"] = sk.precision_score(t, p, average="macro", sample_weight=wk, zero_division=np.nan, labels=[0, 1])
        e["micro-recall"] = sk.recall_score(t, p, sample_weight=wk, zero_division=np.nan)
    full = known.all(1)
    fw = None if w is None else w_all[full]
    if full.any():
        fy, fs, fyes = y[full], s[full], yes[full]
        e["subset-accuracy"] = np.average((fy == fyes).all(1), weights=fw)
        if c > 1 and full.all():
            assert abs(e["subset-accuracy"] - sk.accuracy_score(fy.astype(int), fyes.astype(int), sample_weight=fw)) < 1e-12
            e["lrap"] = sk.label_ranking_average_precision_score(fy, fs, sample_weight=fw)
            e["ranking-loss"] = sk.label_ranking_loss(fy, fs, sample_weight=fw)
            e["coverage-error"] = sk.coverage_error(fy, fs, sample_weight=fw)
            some = (fy + fyes).any(1)
            if some.any():
                f1 = sk.f1_score(fy.astype(int), fyes.astype(int), average="samples", sample_weight=fw, zero_division=np.nan)
                e["samples-f1"] = f1
                theirs["samples-f1"] = sk.f1_score(fy.astype(int), fyes.astype(int), average="samples", sample_weight=fw)
            true = fy.any(1)
            if true.any():
                top = fy[np.arange(len(fy)), fs.argmax(1)]
                e["one-error"] = np.average(top[true] == 0, weights=None if fw is None else fw[true])
    case(into, name, "multi-label", kind, s, y, w_all, e, theirs)


def weights(n, share=0.2):
    return np.where(rng.random(n) < share, 0, np.round(rng.random(n) * 4, 2))


# Classes.
def drawn(n, c, sharp=1.0):
    y = rng.integers(0, c, n)
    z = rng.normal(size=(n, c)) + sharp * np.eye(c)[y]
    return z, y


for c in (2, 3, 4, 7, 9):
    for kind in ("logits", "probs"):
        z, y = drawn(30 if c > 4 else 40, c)
        s = z if kind == "logits" else softmax(z)
        class_case(f"{c} classes, {kind}", s, kind, y)
        class_case(f"{c} classes, {kind}, weights", s, kind, y, weights(len(y)))
z, y = drawn(36, 3)
class_case("missing", softmax(z), "probs", np.where(rng.random(36) < 0.4, -100, y))
class_case("missing, weights", z, "logits", np.where(rng.random(36) < 0.4, -100, y), weights(36))
class_case("all missing", softmax(z[:4]), "probs", np.full(4, -100))
class_case("all weights 0", softmax(z[:4]), "probs", y[:4], np.zeros(4))
class_case("equal weights", softmax(z), "probs", y, np.full(36, 0.3))
class_case("huge and tiny weights", softmax(z), "probs", y, 10.0 ** rng.uniform(-6, 6, 36))
class_case("n = 1", softmax(z[:1]), "probs", [2])
class_case("n = 1, wrong", softmax(z[:1]), "probs", [1 - int(z[0].argmax() == 1)])
class_case("one class only", softmax(z[:9]), "probs", np.ones(9, int))
class_case("one class only, logits", z[:9] * 5, "logits", np.zeros(9, int))
class_case("absent classes", softmax(rng.normal(size=(20, 5))), "probs", rng.choice([0, 2, 3], 20))
class_case("a class never said", softmax(rng.normal(size=(25, 4)) - [0, 9, 0, 0]), "probs", rng.integers(0, 4, 25))
class_case("always the same answer", softmax(np.tile([3.0, 0, 1], (12, 1))), "probs", rng.integers(0, 3, 12))
class_case("imbalanced", softmax(rng.normal(size=(80, 4)) + [3, 0, 0, 0]), "probs", rng.choice(4, 80, p=[0.85, 0.05, 0.05, 0.05]))
class_case("perfect", softmax(9 * np.eye(4)), "probs", [0, 1, 2, 3])
class_case("certain", np.eye(3)[[0, 1, 2, 0, 1]], "probs", [0, 1, 2, 1, 1])
class_case("inverted", softmax(-5 * np.eye(3)), "probs", [0, 1, 2])
class_case("two classes, all ties", np.full((9, 2), 0.5), "probs", rng.integers(0, 2, 9))
class_case("two classes, few distinct", softmax(np.round(rng.normal(size=(40, 2)))), "probs", rng.integers(0, 2, 40))
class_case("two classes, few distinct, weights", softmax(np.round(rng.normal(size=(40, 2)))), "probs", rng.integers(0, 2, 40), weights(40))
class_case("confident logits", rng.normal(size=(30, 3)) * 20, "logits", rng.integers(0, 3, 30))
class_case("huge logits", [[1e30, -1e30], [88.0, -88.0], [700.0, 710.0], [-1e4, 1e4]], "logits", [0, 0, 1, 1])
for n in (2, 3, 5):
    class_case(f"n = {n}", softmax(z[:n]), "probs", y[:n])

# Grades: answers near the truth.
for seed, (n, c) in enumerate([(10, 3), (20, 4), (30, 5), (40, 6), (25, 8), (15, 10), (50, 5), (12, 4)] * 5):
    y = rng.integers(0, c, n)
    said = np.clip(y + rng.integers(-2, 3, n), 0, c - 1)
    w = weights(n) if seed % 4 == 3 else None
    if seed % 8 == 6:
        y = np.where(rng.random(n) < 0.3, -100, y)
    known = y != -100
    t, p, kw = y[known], said[known], None if w is None else f32(w)[known]
    e = graded(t, p, kw)
    for metric, spacing in [("cohen-kappa", None), ("linear-kappa", "linear"), ("quadratic-kappa", "quadratic")]:
        e[metric] = sk.cohen_kappa_score(t, p, labels=range(c), weights=spacing, sample_weight=kw)
    case(ordinal_cases, f"{c} grades, n = {n}, {seed}", "class", "probs", np.eye(c)[said], y, w, e)

# Questions.
for n in (20, 60):
    for kind in ("probs", "logits"):
        for rate in (0.5, 0.1):
            y = (rng.random((n, 1)) < rate) * 1.0
            y[:2] = [[1.0], [0.0]]
            z = rng.normal(size=(n, 1)) + 1.2 * y
            s = z if kind == "logits" else sigmoid(z)
            label_case(f"n = {n}, {kind}, rate {rate}", s, kind, y, into=binary_cases)
            label_case(f"n = {n}, {kind}, rate {rate}, weights", s, kind, y, weights(n), into=binary_cases)
            label_case(f"n = {n}, {kind}, rate {rate}, ties", np.round(s, 1), kind, y, into=binary_cases)
            label_case(f"n = {n}, {kind}, rate {rate}, ties, weights", np.round(s, 1), kind, y, weights(n), into=binary_cases)
z, y = rng.normal(size=(30, 1)), (rng.random((30, 1)) < 0.4) * 1.0
label_case("missing", sigmoid(z), "probs", np.where(rng.random((30, 1)) < 0.4, np.nan, y), into=binary_cases)
label_case("missing, weights", sigmoid(z), "probs", np.where(rng.random((30, 1)) < 0.4, np.nan, y), weights(30), into=binary_cases)
label_case("all no", sigmoid(z[:6]), "probs", np.zeros((6, 1)), into=binary_cases)
label_case("all yes", z[:6], "logits", np.ones((6, 1)), into=binary_cases)
label_case("n = 1", [[0.7]], "probs", [[1.0]], into=binary_cases)
label_case("n = 2, right", [[0.7], [0.2]], "probs", [[1.0], [0.0]], into=binary_cases)
label_case("n = 2, wrong", [[0.2], [0.7]], "probs", [[1.0], [0.0]], into=binary_cases)
label_case("n = 2, equal", [[0.3], [0.3]], "probs", [[1.0], [0.0]], into=binary_cases)
label_case("all equal", np.full((8, 1), 0.25), "probs", [[1.0]] * 3 + [[0.0]] * 5, into=binary_cases)
label_case("separated", np.linspace(0.02, 0.98, 12)[:, None], "probs", [[0.0]] * 6 + [[1.0]] * 6, into=binary_cases)
label_case("inverted", np.linspace(0.98, 0.02, 12)[:, None], "probs", [[0.0]] * 6 + [[1.0]] * 6, into=binary_cases)
label_case("signed zeros", [[0.0], [-0.0], [0.0], [-1.0]], "logits", [[1.0], [0.0], [0.0], [1.0]], into=binary_cases)
label_case("one positive", rng.random((40, 1)), "probs", np.eye(40)[7][:, None], into=binary_cases)
label_case("one negative", rng.random((40, 1)), "probs", 1 - np.eye(40)[7][:, None], into=binary_cases)

# Labels.
for c in (2, 3, 5):
    for kind in ("probs", "logits"):
        for variant in range(7):
            n = 16
            y = (rng.random((n, c)) < rng.uniform(0.2, 0.7, c)) * 1.0
            z = rng.normal(size=(n, c)) + 0.8 * (2 * y - 1)
            s = z if kind == "logits" else sigmoid(z)
            s = np.round(s, 1) if variant in (1, 4) else s
            w = weights(n) if variant in (2, 4, 5) else None
            y = np.where(rng.random(y.shape) < 0.2, np.nan, y) if variant in (3, 5) else y
            label_case(f"{c} labels, {kind}, {variant}", s, kind, y, w)
label_case("all missing", sigmoid(z[:3]), "logits", np.full((3, 5), np.nan))
label_case("no label is yes", sigmoid(z[:5]), "probs", np.zeros((5, 5)))
label_case("all labels are yes", sigmoid(z[:5]), "probs", np.ones((5, 5)))
label_case("n = 1", [[0.9, 0.2, 0.4]], "probs", [[1.0, 0.0, 1.0]])

packages = ["numpy", "scipy", "scikit-learn", "torchmetrics", "torch", "rdkit"]
write("class.json", class_cases, packages)
write("binary.json", binary_cases, packages)
write("multi_label.json", label_cases, packages)
write("ordinal.json", ordinal_cases, packages)
