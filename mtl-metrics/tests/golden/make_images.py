"""Makes images.json: image metrics as scikit-image, scipy and numpy compute them.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-image==0.26.0 numpy==2.4.6 scipy==1.17.1
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_images.py

Images are made by the formula `pixel` below from a seed, which the Rust test repeats, so that the file stays small.
"""

import json
import pathlib
import platform

import numpy as np
import scipy
import skimage
from scipy import linalg, ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

MASK = (1 << 64) - 1


def draw(seed, n):
    """SplitMix64, 24 bits each: numbers in [0, 1) that are exact in f32."""
    out = np.empty(n)
    for i in range(n):
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        out[i] = ((z ^ (z >> 31)) >> 40) / (1 << 24)
    return out


def images(seed, shape, mix, scale):
    """Truth: a ramp and noise; said: truth and other noise. Multiples of 2^-24 times scale."""
    n = int(np.prod(shape))
    a, b = draw(seed, n), draw(seed + 1, n)
    ramp = (np.arange(n) % 64) / 64
    truth = np.float32((ramp + a) / 2 * scale)
    said = np.float32(truth * np.float32(1 - mix) + np.float32(b * scale) * np.float32(mix))
    return said.reshape(shape), truth.reshape(shape)


def none(x):
    return None if x is None or not np.isfinite(x) else float(x)


def smooth(x):
    """An 11x11 Gaussian where it lies inside."""
    g = ndimage.gaussian_filter(x, 1.5, radius=5, mode="reflect")
    return g[5:-5, 5:-5]


def moments(x, y):
    mx, my = smooth(x), smooth(y)
    return mx, my, smooth(x * x) - mx * mx, smooth(y * y) - my * my, smooth(x * y) - mx * my


def ms_ssim(x, y, L):
    c1, c2, out = (0.01 * L) ** 2, (0.03 * L) ** 2, 1.0
    for s, b in enumerate([0.0448, 0.2856, 0.3001, 0.2363, 0.1333]):
        cs, full = [], []
        for u, v in zip(x, y):
            mx, my, vx, vy, cov = moments(u, v)
            c = (2 * cov + c2) / (vx + vy + c2)
            cs.append(c.mean())
            full.append((c * (2 * mx * my + c1) / (mx * mx + my * my + c1)).mean())
        out *= max(np.mean(full if s == 4 else cs), 0) ** b
        half = lambda z: z[:, :z.shape[1] // 2 * 2, :z.shape[2] // 2 * 2].reshape(
            len(z), z.shape[1] // 2, 2, z.shape[2] // 2, 2).mean((2, 4))
        x, y = half(x), half(y)
    return out


def uqi(x, y):
    out = []
    for u, v in zip(x, y):
        mx, my, vx, vy, cov = moments(u, v)
        out.append((4 * cov * mx * my / ((vx + vy) * (mx * mx + my * my))).mean())
    return np.mean(out)


pairs = []
for seed in range(44):
    big = seed >= 41
    shape = (1, 1, 181, 176) if big else (1 + seed % 2, [1, 3][seed % 3 == 0], 11 + seed % 5, 11 + seed % 7)
    mix, scale = [0.0, 0.05, 0.3, 1.0][seed % 4], [1.0, 255.0][seed % 2]
    said, truth = images(seed * 10, shape, mix, scale)
    s, t = said.astype(float), truth.astype(float)
    per = [peak_signal_noise_ratio(b, a, data_range=scale) for a, b in zip(s, t) if (a != b).any()]
    mse = ((s - t) ** 2).mean()
    ssim = np.mean([structural_similarity(a, b, data_range=scale, channel_axis=0, gaussian_weights=True, sigma=1.5,
                                          use_sample_covariance=False) for a, b in zip(s, t)])
    values = {"psnr": np.mean(per) if per else None, "psnr-pixels": 10 * np.log10(scale ** 2 / mse) if mse else None,
              "ssim": ssim, "uqi": np.mean([uqi(a, b) for a, b in zip(s, t)])}
    if shape[1] > 1:
        a, b = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (s, t))
        values["sam"] = (2 * np.arctan2(np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1))).mean()
    if big:
        values["ms-ssim"] = np.mean([ms_ssim(a, b, scale) for a, b in zip(s, t)])
    pairs.append(dict(name=f"images {seed}", seed=seed * 10, shape=list(shape), mix=mix, scale=scale,
                      check=[float(s.sum()), float(t.sum())], values={k: none(v) for k, v in values.items()}))

features = []
for seed in range(42):
    d = [1, 2, 5, 12][seed % 4]
    n, m = 2 + seed % 3 + (3 * d if seed % 5 else 0), 3 + seed % 4 + 3 * d
    x = (draw(1000 + seed, n * d).reshape(n, d) * (1 + seed % 3)).astype(np.float32).astype(float)
    y = (draw(2000 + seed, m * d).reshape(m, d) + 0.25).astype(np.float32).astype(float)
    if seed == 41:
        y = x.copy()
    s1, s2 = np.cov(x.T).reshape(d, d), np.cov(y.T).reshape(d, d)
    apart = ((x.mean(0) - y.mean(0)) ** 2).sum()
    # The sum of the roots of the eigenvalues of S1 S2 by a symmetric problem: sharper than sqrtm of the product.
    w, v = linalg.eigh(s1)
    root = v @ np.diag(np.sqrt(np.clip(w, 0, None))) @ v.T
    roots = np.sqrt(np.clip(linalg.eigvalsh(root @ s2 @ root), 0, None)).sum()
    frechet = apart + np.trace(s1) + np.trace(s2) - 2 * roots
    sharp = min(n, m) > d
    if sharp:
        assert abs(roots - np.trace(linalg.sqrtm(s1 @ s2)).real) < 1e-6
    k = lambda a, b: (a @ b.T / d + 1) ** 3
    kid = ((k(x, x).sum() - np.trace(k(x, x))) / (n * (n - 1)) + (k(y, y).sum() - np.trace(k(y, y))) / (len(y) * (len(y) - 1))
           - 2 * k(x, y).mean())
    features.append(dict(name=f"features {seed}", d=d, said=[float(str(np.float32(v))) for v in x.ravel()],
                         truth=[float(str(np.float32(v))) for v in y.ravel()], sharp=bool(sharp), frechet=float(frechet), kid=float(kid)))

versions = dict(python=platform.python_version(), skimage=skimage.__version__, numpy=np.__version__, scipy=scipy.__version__)
out = pathlib.Path(__file__).with_name("images.json")
out.write_text(json.dumps(dict(versions=versions, pairs=pairs, features=features), separators=(",", ":")) + "\n")
