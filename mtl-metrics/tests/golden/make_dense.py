"""Makes dense.json: metrics over maps as scikit-learn, scipy and numpy compute them.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_dense.py

IoU and Dice are `jaccard_score` and `f1_score` over the labels present in either map; boundaries are scipy erosions (3x3, zeros
around); Hausdorff distances are scipy distance transforms and numpy percentiles, as in monai. Depth and normals are the formulas.
"""

import json
import pathlib
import platform

import numpy as np
import scipy
import sklearn
from scipy import ndimage
from sklearn import metrics as sk

rng = np.random.default_rng(20251126)


def none(x):
    return None if x is None or not np.isfinite(x) else float(x)


def f32(x):
    return [None if np.isnan(v) else float(str(np.float32(v))) for v in np.ravel(x)]


maps = []


def labels(h, w, c, blocky):
    if not blocky:
        return rng.integers(c, size=(h, w))
    m = np.full((h, w), rng.integers(c))
    for _ in range(5):
        y, x = rng.integers(h), rng.integers(w)
        m[y:y + rng.integers(1, h + 1), x:x + rng.integers(1, w + 1)] = rng.integers(c)
    return m


def boundary(mask, d):
    return mask & ~ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=d, border_value=0)


def directed(a, b, spacing):
    return np.percentile(ndimage.distance_transform_edt(~b, sampling=spacing)[a], 95)


def map_case(name, n, h, w, c, ignore=None, blocky=True, share=0.1, spacing=(1.0, 1.0), truth=None, said=None):
    t = truth if truth is not None else np.stack([labels(h, w, c, blocky) for _ in range(n)])
    s = said if said is not None else np.where(rng.uniform(size=t.shape) < 0.2, rng.integers(c, size=t.shape), t)
    if ignore is not None:
        t = np.where(rng.uniform(size=t.shape) < share, ignore, t)
    known = t != ignore if ignore is not None else np.ones_like(t, bool)
    kt, ks = t[known], s[known]
    conf = np.zeros((c, c), int)
    np.add.at(conf, (kt, ks), 1)
    present = sorted(set(kt) | set(ks))
    some = len(kt) > 0
    per = sk.jaccard_score(kt, ks, labels=present, average=None, zero_division=0) if some else []
    rows = conf.sum(1)
    values = {
        "miou": np.mean(per) if some else None,
        "dice": sk.f1_score(kt, ks, labels=present, average="macro", zero_division=0) if some else None,
        "pixel-accuracy": sk.accuracy_score(kt, ks) if some else None,
        "mean-accuracy": np.mean([conf[k, k] / rows[k] for k in range(c) if rows[k]]) if some else None,
        "fwiou": sum(rows[k] * per[present.index(k)] for k in present) / len(kt) if some else None,
    }
    ratio = 0.05
    d = max(1, round(ratio * np.sqrt(h * h + w * w)))
    both, either = np.zeros(c, int), np.zeros(c, int)
    hd = [[] for _ in range(c)]
    for i in range(n):
        for k in range(c):
            # Ignored pixels: in no mask of the truth, and not counted on either side.
            tm, sm = (t[i] == k) & known[i], s[i] == k
            sm_known = sm & known[i]
            tb, sb = boundary(tm, d), boundary(sm_known, d)
            both[k] += (tb & sb).sum()
            either[k] += (tb | sb).sum()
            if tm.any() and sm_known.any():
                te, se = (m & ~ndimage.binary_erosion(m) for m in (tm, sm_known))
                hd[k].append(max(directed(te, se, spacing), directed(se, te, spacing)))
    values["boundary-iou"] = np.mean([both[k] / either[k] for k in range(c) if either[k]]) if either.any() else None
    values["hausdorff-95"] = np.mean([np.mean(x) for x in hd if x]) if any(hd) else None
    maps.append(dict(name=name, shape=[n, h, w], classes=c, ignore=ignore, spacing=list(spacing), ratio=ratio,
                     truth=t.ravel().tolist(), said=s.ravel().tolist(), counts=conf.ravel().tolist(),
                     absent=c - len(present), values={k: none(v) for k, v in values.items()}))


for seed in range(10):
    map_case(f"blocks {seed}", 2, 11, 13, 3)
for seed in range(8):
    map_case(f"ignored {seed}", 2, 9, 12, 4, ignore=255)
for seed in range(4):
    map_case(f"negative ignored label {seed}", 1, 9, 12, 3, ignore=-100)
for seed in range(4):
    map_case(f"an ignored class {seed}", 1, 9, 9, 4, ignore=1)
for seed in range(4):
    map_case(f"noise {seed}", 1, 8, 8, 5, blocky=False)
for seed in range(4):
    map_case(f"absent classes {seed}", 1, 8, 8, 9)
for seed in range(4):
    map_case(f"long pixels {seed}", 1, 12, 7, 3, spacing=(2.5, 0.7))
map_case("one pixel", 1, 1, 1, 2)
map_case("one row", 1, 1, 20, 3)
map_case("all ignored", 1, 4, 4, 2, ignore=255, share=1.1)
map_case("one class", 1, 6, 6, 1)
map_case("all wrong", 1, 5, 5, 2, truth=np.zeros((1, 5, 5), int), said=np.ones((1, 5, 5), int))
map_case("perfect", 1, 10, 10, 3, said=None, truth=(t := labels(10, 10, 3, True)[None]), ignore=None)

depths = []
for seed in range(42):
    n = [1, 2, 7, 40][seed % 4]
    near, far = (1e-3, 10.0) if seed % 2 else (0.5, 6.0)
    d = rng.uniform(0.1, 12, n).astype(np.float32)
    d[rng.uniform(size=n) < (0.3 if seed < 36 else 1.0)] = 0 if seed % 3 else np.nan
    p = (np.nan_to_num(d) * rng.uniform(0.6, 1.6, n) + rng.normal(0, 0.2, n)).astype(np.float32)
    if seed % 5 == 0:
        p = np.nan_to_num(d).astype(np.float32)
    D, P, lo, hi = d.astype(float), p.astype(float), float(np.float32(near)), float(np.float32(far))
    ok = (D >= lo) & (D <= hi)
    D, P = D[ok], np.clip(P[ok], lo, hi)
    ratio = np.maximum(P / D, D / P)
    values = [np.mean(abs(P - D) / D), np.mean((P - D) ** 2 / D), np.sqrt(np.mean((P - D) ** 2)),
              np.sqrt(np.mean((np.log(P) - np.log(D)) ** 2)), np.mean(abs(np.log10(P) - np.log10(D))),
              *[np.mean(ratio < 1.25 ** k) for k in (1, 2, 3)]] if len(D) else [None] * 8
    depths.append(dict(name=f"depth {seed}", range=[near, far], said=f32(p), truth=f32(d), n=len(D),
                       values=[none(v) for v in values]))

normals = []
for seed in range(42):
    n = [1, 2, 9, 30][seed % 4]
    t = rng.normal(size=(3, n)).astype(np.float32)
    t[:, rng.uniform(size=n) < (0.2 if seed < 38 else 1.0)] = 0
    s = (t + rng.normal(0, 0.4, (3, n)) + 1e-3).astype(np.float32)
    if seed % 6 == 0:
        s = np.where(t.any(0), t * 2, 1).astype(np.float32)
    if seed % 6 == 1:
        s = np.where(t.any(0), -t, 1).astype(np.float32)
    T, S = t.astype(float), s.astype(float)
    ok = (T ** 2).sum(0) > 0
    T, S = T[:, ok], S[:, ok]
    a = np.degrees(np.arctan2(np.linalg.norm(np.cross(S.T, T.T), axis=1), (S * T).sum(0)))
    a32 = a.astype(np.float32).astype(float)
    values = [a.mean(), np.median(a32), *[(a < x).mean() for x in (11.25, 22.5, 30)]] if ok.any() else [None] * 5
    normals.append(dict(name=f"normals {seed}", said=f32(s), truth=f32(t), n=int(ok.sum()), values=[none(v) for v in values]))

versions = dict(python=platform.python_version(), sklearn=sklearn.__version__, numpy=np.__version__, scipy=scipy.__version__)
out = pathlib.Path(__file__).with_name("dense.json")
out.write_text(json.dumps(dict(versions=versions, maps=maps, depths=depths, normals=normals), separators=(",", ":")) + "\n")
