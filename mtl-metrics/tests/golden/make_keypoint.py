"""Makes keypoint.json: PCK, PCKh, MPJPE and PA-MPJPE by numpy and scipy (OKS is in oks.json, see make_detect.py).

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.4.6 scipy==1.17.1
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_keypoint.py
"""

import json
import pathlib
import platform

import numpy as np
import scipy
from scipy import linalg

rng = np.random.default_rng(20251127)


def none(x):
    return None if x is None or not np.isfinite(x) else float(x)


pcks = []
for seed in range(42):
    p, k = 1 + seed % 5, 1 + seed % 4
    # Coarse numbers, so that some distances are exactly the limit.
    truth = rng.integers(0, 50, (p, k, 2)).astype(float)
    said = truth + rng.integers(-6, 7, (p, k, 2)) * (0 if seed % 9 == 8 else 1)
    labeled = rng.uniform(size=(p, k)) < (0.75 if seed < 38 else 0.0)
    norms = rng.integers(8, 13, p).astype(float)
    alpha = [0.2, 0.5][seed % 2]
    d = np.hypot((said - truth)[..., 0] / norms[:, None], (said - truth)[..., 1] / norms[:, None])
    per = [np.mean(d[labeled[:, i], i] < alpha) for i in range(k) if labeled[:, i].any()]
    pcks.append(dict(name=f"persons {seed}", k=k, alpha=alpha, said=said.reshape(-1, 2).tolist(),
                     truth=truth.reshape(-1, 2).tolist(), labeled=labeled.ravel().tolist(), norms=norms.tolist(),
                     pck=none(np.mean(per)) if per else None,
                     pckh=none(np.mean(d[labeled] <= alpha)) if labeled.any() else None))


def procrustes(x, y):
    """x moved onto y by the best similarity transform."""
    mx, my = x.mean(0), y.mean(0)
    a, b = x - mx, y - my
    u, s, vt = linalg.svd(a.T @ b)
    z = np.eye(3)
    z[2, 2] = np.sign(linalg.det(u) * linalg.det(vt))
    spread = (a ** 2).sum()
    scale = (s * np.diag(z)).sum() / spread if spread > 0 else 0.0
    return scale * a @ (u @ z @ vt) + my


poses = []
for seed in range(44):
    p, k = 1 + seed % 3, [4, 5, 17, 2, 1][seed % 5]
    truth = rng.normal(0, 300, (p, k, 3)).round(1)
    said = (truth + rng.normal(0, 60, (p, k, 3))).round(1)
    if seed % 7 == 1:
        said = (said @ linalg.expm(np.cross(np.eye(3), rng.normal(size=3))) * 1.7 + 40).round(3)
    if seed % 7 == 2:
        said[..., 2] = -said[..., 2]
    if seed % 11 == 3:
        truth[..., 2] = 0
        said[..., 2] = 0
    if seed % 13 == 4:
        said[:] = said[:, :1]
    labeled = rng.uniform(size=(p, k)) < (0.85 if seed < 42 else 0.0)
    plain, aligned = [], []
    for i in range(p):
        x, y = said[i][labeled[i]], truth[i][labeled[i]]
        if len(x):
            plain.extend(np.linalg.norm(x - y, axis=1))
            aligned.extend(np.linalg.norm(procrustes(x, y) - y, axis=1))
    poses.append(dict(name=f"skeletons {seed}", k=k, said=said.reshape(-1, 3).tolist(), truth=truth.reshape(-1, 3).tolist(),
                      labeled=labeled.ravel().tolist(), mpjpe=none(np.mean(plain)) if plain else None,
                      pa_mpjpe=none(np.mean(aligned)) if aligned else None))

versions = dict(python=platform.python_version(), numpy=np.__version__, scipy=scipy.__version__)
out = pathlib.Path(__file__).with_name("keypoint.json")
out.write_text(json.dumps(dict(versions=versions, pcks=pcks, poses=poses), separators=(",", ":")) + "\n")
