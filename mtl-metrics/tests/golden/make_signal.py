"""Makes signal.json: speakers, signals and prosody scored by the reference programs.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install pyannote.metrics==4.2.0 torchmetrics==1.9.0 torch==2.15.0 \
        scipy==1.17.1 numpy==2.4.6 pystoi==0.4.1
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_signal.py

DER: pyannote.metrics (times are multiples of 1/8 s, which it does not round). JER, MCD and F0 RMSE: their formulas, written
down here over frames of 1/8 s and full tables. SNR, SI-SDR, SDR: torchmetrics in f64. STOI, ESTOI: pystoi at 10 kHz; its signals
are too long for a file, so that a case says how to make them. null: not defined on purpose.
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
from pystoi import stoi
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



def intelligibility(seed, n, color=0.9, levels=(1.0,), period=700, scale=1.0, noise=0.0, limit=1e9):
    """Colored noise whose volume changes, and what becomes of it; signal.rs makes the same numbers."""
    state, last, target, estimate = seed, 0.0, [], []

    def uniform():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 40) / 2**23 - 1.0

    for i in range(n):
        last = color * last + uniform()
        target.append(float(np.float32(last * levels[i // period % len(levels)])))
        changed = scale * target[-1] + noise * uniform()
        estimate.append(float(np.float32(min(max(changed, -limit), limit))))
    entry = dict(seed=seed, n=n, color=color, levels=list(levels), period=period, scale=scale, noise=noise, limit=limit)
    x, y = np.array(target), np.array(estimate)
    for key, extended in (("stoi", False), ("estoi", True)):
        try:
            found = [stoi(x, y, 10000, extended=extended) for _ in range(2)]
        except ValueError:  # no frame at all
            found = [1e-5] * 2
        if found[0] == 1e-5 or not x.any():
            entry[key] = None
        elif not (y.any() or not extended):
            entry[key] = 0.0  # there the numbers added to silent bands
        else:
            assert abs(found[0] - found[1]) < 1e-13, (entry, found)  # what is added at random does not show
            entry[key] = float(found[0])
    intelligible.append(entry)


intelligible = []
SPEECH = (1.0, 0.1, 0.5, 0.02, 0.8)
for k, noise in enumerate((0.0, 0.05, 0.2, 0.5, 1.0, 2.0, 4.0, 16.0)):
    for color in (0.0, 0.9, -0.6):
        intelligibility(100 + k, 5000 + 371 * k, color, SPEECH, 450 + 60 * k, noise=noise)
for k, (scale, limit) in enumerate([(0.5, 1e9), (-1.0, 1e9), (1e4, 1e9), (1.0, 0.5), (1.0, 0.05), (3.0, 1.0), (1e-3, 1e9)]):
    intelligibility(200 + k, 6000, levels=SPEECH, scale=scale, noise=0.1 * abs(scale), limit=limit)
for k, levels in enumerate([(1.0, 0.0), (0.0, 1.0, 0.0, 0.3), (1.0, 0.005), (1.0, 0.012), (0.001, 1.0, 1.0), (1.0, 0.0, 0.0, 0.0, 0.0)]):
    intelligibility(300 + k, 12000, levels=levels, period=900 + 37 * k, noise=0.4)
for k, n in enumerate((0, 255, 256, 257, 4096, 4097, 4098, 4224, 4225, 4352)):
    intelligibility(400 + k, n, noise=0.3)
intelligibility(500, 5000, levels=(0.0,), noise=0.5)
intelligibility(501, 5000, scale=0.0)
intelligibility(502, 9000, levels=(1.0, 0.0, 0.0, 0.0), period=1000, noise=0.2)

versions = {p: version(p) for p in ("pyannote.metrics", "torchmetrics", "torch", "scipy", "numpy", "pystoi")}
out = dict(versions=versions, diarizations=diarizations, signals=signals, prosody=prosody, intelligible=intelligible)
path = pathlib.Path(__file__).parent / "signal.json"
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(path.stat().st_size)
