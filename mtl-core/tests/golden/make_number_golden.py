"""Golden values of number embeddings, by NumPy, field by field and number by number.

The piecewise-linear code of a number is written from the definition of Gorishniy et al. 2022 (arXiv 2203.05556, equation 1), with
the first and the last bin closed, as our essay says.

    python -m venv /tmp/golden && /tmp/golden/bin/pip install numpy==2.4.6
    /tmp/golden/bin/python mtl-core/tests/golden/make_number_golden.py
"""

import json
import pathlib
import platform

import numpy as np

rng = np.random.default_rng(7)
WIDTH = 3
# Edges as a data set learns them: of many values, of three, of one, of two.
columns = [rng.normal(size=500), rng.choice([-1.0, 0.0, 4.0], size=100), np.full(10, 0.5), rng.choice([0.0, 1.0], size=50)]
edges = [[float(x) for x in np.unique(np.quantile(c, np.linspace(0, 1, 6)).astype(np.float32))] for c in columns]
xs = np.stack([[rng.choice(c) for c in columns] for _ in range(5)] + [[-9.0, 0.3, 2.0, -0.5], [9.0, 5.0, 0.5, 0.25]])
bins = max(len(e) - 1 for e in edges)


def ple(x, e):
    code = []
    for begin, end in zip(e, e[1:]):
        code.append(0.0 if x < begin else 1.0 if x >= end else (x - begin) / (end - begin))
    return np.array(code + [0.0] * (bins - len(code)))


def made(*shape):
    return rng.normal(size=shape)


n = len(columns)
w, b = made(n, WIDTH), made(n, WIDTH)
v = made(n, bins, WIDTH)
linear = xs[:, :, None] * w + b
f, m, c = made(n, 1, 2), made(n, 4, WIDTH), made(n, 1, WIDTH)
g, p, h, o = made(n, 1, 2), made(n, 1, 2), made(n, 2, WIDTH - 1), made(n, 1, WIDTH - 1)


def tokens(one):
    return np.array([[one(j, xs[i, j]) for j in range(n)] for i in range(len(xs))])


def periodic(j, x):
    angle = 2 * np.pi * f[j, 0] * x
    return np.maximum(np.concatenate([np.cos(angle), np.sin(angle)]) @ m[j] + c[j, 0], 0)


def pbld(j, x):
    return np.concatenate([[x], np.cos(2 * np.pi * g[j, 0] * x + p[j, 0]) @ h[j] + o[j, 0]])


def case(settings, tokens, **params):
    flat = {name.replace("__", "."): dict(shape=list(value.shape), values=value.ravel().tolist()) for name, value in params.items()}
    return dict(settings=settings, params=flat, tokens=tokens.ravel().tolist())


cases = [
    case(dict(kind="linear"), linear, weight=w, bias=b),
    case(dict(kind="linear-relu"), np.maximum(linear, 0), weight=w, bias=b),
    case(dict(kind="piecewise-linear"), linear + tokens(lambda j, x: ple(x, edges[j]) @ v[j]), weight=w, bias=b, bins__weight=v),
    case(dict(kind="periodic", frequencies=2), tokens(periodic), frequencies=f, weight=m, bias=c),
    case(dict(kind="pbld", frequencies=2), tokens(pbld), frequencies=g, phases=p, weight=h, bias=o),
]
file = dict(versions=dict(python=platform.python_version(), numpy=np.__version__), width=WIDTH, edges=edges, xs=xs.tolist(), cases=cases)
pathlib.Path(__file__).with_name("number.json").write_text(json.dumps(file, separators=(",", ":")) + "\n")
