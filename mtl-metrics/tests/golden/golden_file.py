"""How golden files are written: compact, floats that read back, null for NaN, the versions of what made them inside."""

import importlib.metadata
import json
import pathlib
import platform

import numpy as np


def f32(x):
    return np.asarray(x, np.float32).astype(np.float64)


def nested(x):
    """Rows of the shortest decimals that read back as the same f32; null for NaN."""
    x = np.asarray(x)
    if x.ndim > 1:
        return [nested(row) for row in x]
    return [None if np.isnan(v) else float(str(np.float32(v))) for v in x]


def number(value):
    return None if value is None or not np.isfinite(value) else float(value)


def write(name, cases, packages):
    versions = {"python": platform.python_version()} | {p: importlib.metadata.version(p) for p in packages}
    rows = ",\n".join(json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases)
    out = pathlib.Path(__file__).with_name(name)
    out.write_text(f'{{\n"versions": {json.dumps(versions)},\n"cases": [\n{rows}\n]\n}}\n')
    values = sum(len(case["expected"]) for case in cases)
    print(out.name, len(cases), "cases", values, "values", out.stat().st_size // 1000, "kB", versions)
