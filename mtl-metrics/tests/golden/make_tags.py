"""Makes tags.json: labeled sequences and answers scored by the reference programs.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install seqeval==1.2.2 mir_eval==0.8.2
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_tags.py

Spans: seqeval; where it says 0 for something undefined the file holds null (macro precision and recall are means over
the types where they are defined). Segments: the formulas of MS-TCN's evaluation, written down here with a last segment
that ends after the last frame; boundaries: mir_eval. Answers: the rules of the SQuAD 2.0 and MLQA scripts, written down
here.
"""

import collections
import json
import pathlib
import random
import re
import string
import unicodedata
import warnings
from importlib.metadata import version

import numpy as np
from mir_eval import segment
from seqeval.metrics import accuracy_score
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support as conll
from seqeval.metrics.v1 import precision_recall_fscore_support as strict
from seqeval.scheme import IOB1, IOB2, IOBES

warnings.simplefilter("ignore")
rng = random.Random(20261125)
SCHEMES = {"bio": (IOB2, "BI"), "bioes": (IOBES, "BIES"), "iob1": (IOB1, "BI")}


def number(x):
    return None if x is None or np.isnan(x) else float(x)


def sequences(letters, types, n, outside):
    tags = ["O"] + [f"{l}-{t}" for t in types for l in letters]
    pick = lambda: "O" if rng.random() < outside else rng.choice(tags[1:])
    truth = [[pick() for _ in range(rng.randrange(1, 14))] for _ in range(n)]
    said = [[t if rng.random() < 0.7 else pick() for t in seq] for seq in truth]
    return tags, said, truth


spans = []


def spans_case(name, scheme, tags, said, truth):
    case = dict(name=name, scheme=scheme, tags=tags)
    case["said"] = [[tags.index(t) for t in seq] for seq in said]
    case["truth"] = [[tags.index(t) for t in seq] for seq in truth]
    case["accuracy"] = accuracy_score(truth, said)
    for mode in ("conll", "strict"):
        if mode == "conll":
            score = lambda average: conll(truth, said, average=average)
        else:
            score = lambda average: strict(truth, said, average=average, scheme=SCHEMES[scheme][0])
        p, r, f, n_true = score(None)
        # Types by name, sorted, those that occur.
        entry = dict(f1=[float(x) for x in f], support=[int(n) for n in n_true])
        if len(f) == 0:
            entry |= dict(micro=[None] * 3, macro=[None] * 3, weighted_f1=None)
        else:
            micro = list(score("micro")[:3])
            # Undefined by type: no predicted, no true span. Predicted spans are those of a swapped call.
            n_said = (conll(said, truth, average=None) if mode == "conll" else strict(said, truth, average=None, scheme=SCHEMES[scheme][0]))[3]
            p = [x for x, n in zip(p, n_said) if n > 0]
            r = [x for x, n in zip(r, n_true) if n > 0]
            if sum(n_said) == 0:
                micro[0] = None
            if sum(n_true) == 0:
                micro[1] = None
            entry["micro"] = [number(x) for x in micro]
            entry["macro"] = [number(np.mean(x)) if len(x) else None for x in (p, r, f)]
            entry["weighted_f1"] = number(score("weighted")[2]) if sum(n_true) else None
        case[mode] = entry
    spans.append(case)


for scheme, (_, letters) in SCHEMES.items():
    for k in range(14):
        tags, said, truth = sequences(letters, ["PER", "LOC", "ORG"][: 1 + k % 3], 1 + k % 5, 0.2 + 0.05 * k)
        spans_case(f"{scheme} {k}", scheme, tags, said, truth)
tags = ["O", "B-X", "I-X", "B-Y", "I-Y"]
spans_case("nothing", "bio", tags, [["O", "O"]], [["O", "O"]])
spans_case("nothing said", "bio", tags, [["O", "O"]], [["B-X", "I-X"]])
spans_case("nothing true", "bio", tags, [["O", "B-Y"]], [["O", "O"]])
spans_case("all right", "bio", tags, [["B-X", "I-X"], ["B-Y"]], [["B-X", "I-X"], ["B-Y"]])
spans_case("one token", "bio", tags, [["I-X"]], [["B-X"]])
spans_case("only insides", "iob1", tags, [["I-X", "I-Y", "I-Y"]], [["I-X", "I-X", "I-Y"]])


def runs(frames, background=None):
    bounds = [0] + [i for i in range(1, len(frames)) if frames[i] != frames[i - 1]] + [len(frames)]
    return [(frames[s], s, e) for s, e in zip(bounds, bounds[1:]) if s < e and frames[s] != background]


def f_score(said, truth, overlap, background):
    p, y = runs(said, background), runs(truth, background)
    hits, tp = np.zeros(len(y)), 0
    for label, start, end in p:
        if not y:
            continue
        starts, ends = np.array([s for _, s, _ in y]), np.array([e for _, _, e in y])
        inter = np.maximum(np.minimum(end, ends) - np.maximum(start, starts), 0)
        union = np.maximum(end, ends) - np.minimum(start, starts)
        iou = inter / union * np.array([label == l for l, _, _ in y])
        best = iou.argmax()
        if iou[best] >= overlap and not hits[best]:
            tp += 1
            hits[best] = 1
    return [len(p), len(y), tp]


def edit(said, truth, background):
    p, y = [l for l, _, _ in runs(said, background)], [l for l, _, _ in runs(truth, background)]
    if not p and not y:
        return None
    d = np.zeros((len(p) + 1, len(y) + 1))
    d[:, 0], d[0] = np.arange(len(p) + 1), np.arange(len(y) + 1)
    for i in range(1, len(p) + 1):
        for j in range(1, len(y) + 1):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (p[i - 1] != y[j - 1]))
    return 1 - d[-1, -1] / max(len(p), len(y))


def boundary(said, truth, tolerance):
    intervals = lambda frames: np.array([[s, e] for _, s, e in runs(frames)], float)
    if len(runs(said)) < 2 and len(runs(truth)) < 2:
        return None
    return segment.detection(intervals(truth), intervals(said), window=tolerance, trim=True)[2]


def frames(n, change, classes=4):
    out = [rng.randrange(classes)]
    for _ in range(n - 1):
        out.append(rng.randrange(classes) if rng.random() < change else out[-1])
    return out


segments = []
for k in range(44):
    truth = frames(rng.randrange(2, 60), 0.15)
    noise = [0.02, 0.1, 0.3, 1.0][k % 4]
    said = [c if rng.random() > noise else rng.randrange(4) for c in truth]
    if k % 5 == 0:
        said = frames(len(truth), 0.2)
    if k == 40:
        truth, said = [0, 0, 0], [0, 0, 0]
    if k == 41:
        truth, said = [0, 0, 0], [1, 0, 1]
    background = None if k % 3 else 0
    entry = dict(said=said, truth=truth, background=background)
    entry["f1"] = [f_score(said, truth, tau / 100, background) for tau in (10, 25, 50, 75)]
    entry["edit"] = edit(said, truth, background)
    entry["boundary"] = [boundary(said, truth, w) for w in (0, 1, 3)]
    segments.append(entry)


def english(s):
    s = "".join(c for c in s.lower() if c not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", s).split()


PUNCT = {chr(i) for i in range(0x110000) if unicodedata.category(chr(i)).startswith("P")} | set(string.punctuation)


def chinese(s):
    s, out, run = "".join(c for c in s.lower() if c not in PUNCT), [], ""
    for c in s:
        if re.search(r"[\u4e00-\u9fa5]", c):
            out += run.split() + [c]
            run = ""
        else:
            run += c
    return out + run.split()


def f1(said, truth):
    if not said or not truth:
        return float(said == truth)
    same = sum((collections.Counter(said) & collections.Counter(truth)).values())
    if same == 0:
        return 0.0
    p, r = same / len(said), same / len(truth)
    return 2 * p * r / (p + r)


ANSWERS = ["The Eiffel Tower.", "eiffel tower", "a tower", "", "the", "1,000 dollars", "$1000", "in 1999\u20132001", "U.S.A.", "an  A\u00a0an", "caf\u00e9 \u2014 the caf\u00e9", "The the, THE!", "\u0928\u092e\u0938\u094d\u0924\u0947 a b", "it\u2019s the_one", "x x y", "y x y", "\u5317\u4eac\u5e02\uff0c\u4e2d\u56fd", "\u4e2d\u56fd\u5317\u4eac", "\u300a\u7ea2\u697c\u68a6\u300bThe book", "\u7ea2 \u697c \u68a6", "2008\u5e74", "\u4e8c\u3007\u3007\u516b\u5e74 a"]
answers = []
for k in range(60):
    said, truth = rng.choice(ANSWERS), [rng.choice(ANSWERS) for _ in range(1 + k % 3)]
    entry = dict(said=said, truth=truth)
    for language, tokens in (("english", english), ("chinese", chinese)):
        s, ts = tokens(said), [tokens(t) for t in truth]
        entry[language] = [max(float(s == t) for t in ts), max(f1(s, t) for t in ts)]
    answers.append(entry)

versions = {name: version(name) for name in ("seqeval", "mir_eval", "numpy")}
out = dict(versions=versions, spans=spans, segments=segments, answers=answers)
path = pathlib.Path(__file__).parent / "tags.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(len(spans), len(segments), len(answers), path.stat().st_size)
