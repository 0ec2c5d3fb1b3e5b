"""Makes signal.json: speakers, signals and prosody scored by the reference programs.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install pyannote.metrics==4.2.0 torchmetrics==1.9.0 torch==2.15.0 \
        scipy==1.17.1 numpy==2.4.6
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_signal.py

DER: pyannote.metrics (times are multiples of 1/8 s, which it does not round). JER, MCD and F0 RMSE: their formulas, written
down here over frames of 1/8 s and full tables. SNR, SI-SDR, SDR: torchmetrics in f64. null: not defined on purpose.
"""

import itertools
import json
import pathlib
import warnings
from importlib.metadata import version

import numpy as np
import torch
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate
from scipy.optimize import linear_sum_assignment
from torchmetrics.functional.audio import (
    scale_invariant_signal_distortion_ratio, signal_distortion_ratio, signal_noise_ratio,
)

warnings.simplefilter("ignore")
rng = np.random.default_rng(20261125)


def turns(n_speakers, n):
    """Turns of a speaker do not touch each other."""
    out = []
    for speaker in range(n_speakers):
        at = int(rng.integers(0, 20))
        for _ in range(n):
            length = int(rng.integers(1, 30))
            out.append([speaker, at / 8, (at + length) / 8])
            at += length + int(rng.integers(1, 40))
    return out


def shifted(reference):
    out = []
    for speaker, start, end in reference:
        if rng.random() < 0.15:
            continue
        other = speaker if rng.random() < 0.8 else int(rng.integers(0, 4))
        start, end = start + int(rng.integers(-4, 5)) / 8, end + int(rng.integers(-4, 5)) / 8
        if start < end:
            out.append([other + 10, max(start, 0.0), max(end, 0.125)])
    merged = []
    for speaker, start, end in sorted(out):
        if merged and merged[-1][0] == speaker and start <= merged[-1][2]:
            merged[-1][2] = max(merged[-1][2], end)
        else:
            merged.append([speaker, start, end])
    return merged


def annotation(rows):
    out = Annotation(uri="x")
    for track, (speaker, start, end) in enumerate(rows):
        out[Segment(start, end), track] = str(speaker)
    return out


def jer(hypothesis, reference):
    frames = lambda rows, s: {f for o, a, b in rows if o == s for f in range(int(a * 8), int(b * 8))}
    refs = [frames(reference, s) for s in sorted({r[0] for r in reference})]
    hyps = [frames(hypothesis, s) for s in sorted({r[0] for r in hypothesis})]
    n = max(len(refs), len(hyps))
    costs = np.ones((len(refs), n))
    for (i, r), (j, h) in itertools.product(enumerate(refs), enumerate(hyps)):
        costs[i, j] = 1 - len(r & h) / len(r | h)
    i, j = linear_sum_assignment(costs)
    return [float(c) for c in costs[i, j]]


diarizations = []
for case in range(42):
    reference = turns(1 + case % 4, 1 + case % 5)
    hypothesis = shifted(reference) if case % 6 else turns(1 + case % 3, 3)
    if case == 40:
        hypothesis = []
    entry = dict(hypothesis=hypothesis, reference=reference, der=[])
    for collar, skip in ((0.0, False), (0.25, False), (0.0, True), (0.25, True)):
        metric = DiarizationErrorRate(collar=2 * collar, skip_overlap=skip)
        parts = metric(annotation(reference), annotation(hypothesis), detailed=True)
        entry["der"].append([parts["total"], parts["missed detection"], parts["false alarm"], parts["confusion"]])
    entry["jer"] = jer(hypothesis, reference)
    diarizations.append(entry)

signals = []
for case in range(40):
    n = [1, 7, 64, 300, 1200][case % 5]
    target = rng.normal(size=n)
    if case % 2:
        target = np.convolve(target, [1, 0.9, 0.4])[:n]
    estimate = target * [1, 0.3, -2][case % 3] + rng.normal(size=n) * [0.01, 0.3, 2][case // 3 % 3]
    if case % 7 == 3:
        estimate = np.convolve(target, [0.5, 0.2, -0.3])[:n] + 0.01 * rng.normal(size=n)
    if case == 38:
        target[:] = 0
    target, estimate = (x.round(3).astype(np.float32) for x in (target, estimate))
    t, e = (torch.tensor(x.astype(np.float64)) for x in (target, estimate))
    entry = dict(target=[float(str(v)) for v in target], estimate=[float(str(v)) for v in estimate])
    silent = not target.any()
    for zero_mean, key in ((False, "plain"), (True, "centered")):
        alone = silent or (zero_mean and n == 1)
        entry[key] = [None if alone else float(f(e, t, zero_mean=zero_mean)) for f in (signal_noise_ratio, scale_invariant_signal_distortion_ratio)]
    # With fewer samples than taps every estimate is a filtered target.
    entry["sdr"] = float(signal_distortion_ratio(e, t)) if n > 512 and not silent else None
    signals.append(entry)

prosody = []
for case in range(40):
    n, m, d = int(rng.integers(1, 9)), int(rng.integers(1, 9)), int(rng.integers(2, 6))
    x, y = (rng.normal(size=(k, d)).round(3).astype(np.float32) for k in (n, m))
    far = lambda i, j: 10 / np.log(10) * np.sqrt(2 * ((x[i, 1:].astype(float) - y[j, 1:].astype(float)) ** 2).sum())
    # All monotone paths, by depth first search.
    best = (np.inf, 0)
    stack = [((0, 0), far(0, 0), 1)]
    while stack:
        (i, j), cost, steps = stack.pop()
        if cost >= best[0]:
            continue
        if (i, j) == (n - 1, m - 1):
            best = (cost, steps)
            continue
        for a, b in ((1, 1), (1, 0), (0, 1)):
            if i + a < n and j + b < m:
                stack.append(((i + a, j + b), cost + far(i + a, j + b), steps + 1))
    k = int(rng.integers(1, 20))
    f, g = ((rng.random(k) * 200 + 80).round(2).astype(np.float32) * (rng.random(k) < 0.7) for _ in range(2))
    both = (f > 0) & (g > 0)
    rmse = float(np.sqrt(((f[both].astype(float) - g[both].astype(float)) ** 2).mean())) if both.any() else None
    text = lambda v: [float(str(a)) for a in v.ravel()]
    prosody.append(dict(estimate=text(x), target=text(y), d=d, mcd=float(best[0] / best[1]), pitch=[text(f.astype(np.float32)), text(g.astype(np.float32))], rmse=rmse))

versions = {p: version(p) for p in ("pyannote.metrics", "torchmetrics", "torch", "scipy", "numpy")}
out = dict(versions=versions, diarizations=diarizations, signals=signals, prosody=prosody)
path = pathlib.Path(__file__).parent / "signal.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(path.stat().st_size)
