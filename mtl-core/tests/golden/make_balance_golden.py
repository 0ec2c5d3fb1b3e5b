#!/usr/bin/env python3
"""Writes balance.json: weights and directions of TorchJD 0.18, the reference for `tests/balance_golden.rs`.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install torchjd==0.18.0 numpy quadprog qpsolvers cvxpy clarabel scipy
    /tmp/golden/bin/python mtl-core/tests/golden/make_balance_golden.py

Everything runs in float64 on the CPU. Tests read the JSON only; no test needs Python.
Each case is {method, settings, matrix, weights}: weights of the rows of `matrix` (or of `losses`). For aggregators
without weights (ConFIG) the direction is given instead. `wrong` cases state what TorchJD returns where we differ.
"""

import json
import pathlib
import platform
from importlib.metadata import version

import numpy as np
import torch
import torchjd.aggregation as agg
import torchjd.scalarization as scal
from torchjd.linalg import QuadprogProjector

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(20240613)


def rows(m, n):
    return rng.standard_normal((m, n)).round(6).tolist()


MATRICES = {
    "conflict": [[1.0, 0.0], [-2.0, 0.5]],
    "lengths": [[1.0, 0.2, 0.0], [-3.0, 4.0, 1.0], [0.05, -0.01, 0.02]],
    "random 3x5": rows(3, 5),
    "random 5x9": rows(5, 9),
    "random 8x20": rows(8, 20),
}
LOSSES = {"two": [2.0, 3.0], "four": [0.3, 1.7, 0.9, 4.2]}

# norm_eps and reg_eps only bias the result: as small as the QP solver bears.
exact = lambda: QuadprogProjector(norm_eps=0.0, reg_eps=1e-14)

GRAMIAN = [
    ("upgrad", {}, lambda: agg.UPGradWeighting(projector=exact()), 1e-8),
    ("dualproj", {}, lambda: agg.DualProjWeighting(projector=exact()), 1e-8),
    ("mgda", {}, lambda: agg.MGDAWeighting(epsilon=1e-14, max_iters=200_000), 1e-3),
    ("imtl-g", {}, agg.IMTLGWeighting, 1e-10),
    ("cagrad", {"rescale": "none", "c": 0.5}, lambda: agg.CAGradWeighting(c=0.5, norm_eps=1e-12), 1e-4),
    ("aligned-mtl", {"scale": "min"}, lambda: agg.AlignedMTLWeighting(scale_mode="min"), 1e-9),
    ("aligned-mtl", {"scale": "median"}, lambda: agg.AlignedMTLWeighting(scale_mode="median"), 1e-9),
    ("aligned-mtl", {"scale": "rmse"}, lambda: agg.AlignedMTLWeighting(scale_mode="rmse"), 1e-9),
    ("fairgrad", {"alpha": 1.0}, lambda: agg.FairGradWeighting(alpha=1.0), 1e-6),
    ("fairgrad", {"alpha": 2.0}, lambda: agg.FairGradWeighting(alpha=2.0), 1e-6),
    ("krum", {"outliers": 0, "selected": 2}, lambda: agg.KrumWeighting(0, 2), 1e-12),
]
SCALAR = [
    ("gls", {}, lambda m: scal.GeometricMean()),
    ("stch", {"mu": 0.3}, lambda m: scal.STCH(mu=0.3)),
    ("pbi", {"theta": 5.0}, lambda m: scal.PBI(theta=5.0, weights=torch.ones(m))),
    ("cosmos", {"pull": 2.0}, lambda m: scal.COSMOS(lambda_=2.0, weights=torch.full((m,), 1.0 / m))),
    ("famo", {}, lambda m: scal.FAMO(m)),
    ("imtl-l", {}, lambda m: scal.IMTLL(m)),
]


def gramian_cases():
    for method, settings, make, tolerance in GRAMIAN:
        for name, matrix in MATRICES.items():
            if method == "krum" and len(matrix) < 3:
                continue
            j = torch.tensor(matrix)
            weights = make()(j @ j.T)
            yield dict(method=method, settings=settings, name=name, matrix=matrix, tolerance=tolerance,
                       weights=weights.tolist())


def direction_cases():
    for name, matrix in MATRICES.items():
        d = agg.ConFIG()(torch.tensor(matrix))
        yield dict(method="config", settings={}, name=name, matrix=matrix, tolerance=1e-10, direction=d.tolist())
    # Two tasks: the random order of PCGrad and GradVac does not matter.
    for method, make in [("pcgrad", agg.PCGrad), ("gradvac", lambda: agg.GradVac(beta=0.01, eps=0.0))]:
        matrix = MATRICES["conflict"]
        d = make()(torch.tensor(matrix))
        yield dict(method=method, settings={}, name="conflict", matrix=matrix, tolerance=1e-12, direction=d.tolist())


def scalar_cases():
    for method, settings, make in SCALAR:
        for name, losses in LOSSES.items():
            l = torch.tensor(losses, requires_grad=True)
            make(len(losses))(l).backward()
            yield dict(method=method, settings=settings, name=name, losses=losses, tolerance=1e-6 if method == "famo" else 1e-10,
                       weights=l.grad.tolist())


def famo_run():
    """Five steps with updates: the logits' Adam must match."""
    losses = [[1.0, 3.0], [0.9, 2.9], [0.8, 2.5], [0.75, 2.4], [0.7, 2.2], [0.69, 2.0]]
    famo, found = scal.FAMO(2), []
    for before, after in zip(losses, losses[1:]):
        l = torch.tensor(before, requires_grad=True)
        famo(l).backward()
        found.append(l.grad.tolist())
        famo.update(torch.tensor(after))
    return dict(losses=losses, weights=found)


def wrong_cases():
    """What TorchJD returns at its defaults where we differ on purpose."""
    tiny = [[1e-3, 0.0], [-2e-3, 0.5e-3]]
    zero = [[1.0, 0.0], [0.0, 0.0], [0.5, 1.0]]
    j = lambda m: torch.tensor(m) @ torch.tensor(m).T
    turned = [[0.01, 0.0, 0.0], [0.5, 0.8, 0.3], [0.5, -0.8, 0.3]]
    return [
        dict(method="upgrad", name="below norm_eps it is the mean", matrix=tiny, theirs=agg.UPGradWeighting()(j(tiny)).tolist()),
        dict(method="cagrad", name="below norm_eps it is zero", matrix=tiny, theirs=agg.CAGradWeighting(c=0.5)(j(tiny)).tolist()),
        dict(method="cagrad", name="a zero row makes it zero", matrix=zero, theirs=agg.CAGradWeighting(c=0.5)(j(zero)).tolist()),
        dict(method="dualproj", name="reg_eps leaves a conflict", matrix=MATRICES["conflict"],
             theirs=agg.DualProjWeighting()(j(MATRICES["conflict"])).tolist()),
        dict(method="imtl-g", name="a negative sum turns it around", matrix=turned, theirs=agg.IMTLGWeighting()(j(turned)).tolist()),
        dict(method="mgda", name="Frank-Wolfe stops early", matrix=MATRICES["random 8x20"],
             theirs=agg.MGDAWeighting()(j(MATRICES["random 8x20"])).tolist()),
    ]


out = dict(
    made_by="make_balance_golden.py",
    versions={p: version(p) for p in ["torchjd", "torch", "numpy", "quadprog", "cvxpy", "clarabel", "scipy"]}
    | {"python": platform.python_version()},
    cases=[*gramian_cases(), *direction_cases(), *scalar_cases()],
    famo_run=famo_run(),
    wrong=wrong_cases(),
)
path = pathlib.Path(__file__).with_name("balance.json")
path.write_text(json.dumps(out, indent=1) + "\n")
print(path, len(out["cases"]), "cases", out["versions"])
