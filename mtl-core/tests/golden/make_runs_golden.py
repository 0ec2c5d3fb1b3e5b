#!/usr/bin/env python3
"""Writes balance_runs.json: LibMTL 1.1.5, the stateful methods of TorchJD 0.18, and two formulas in plain numpy.

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install torchjd==0.18.0 numpy scipy torch==2.11.0
    /tmp/golden/bin/pip install --no-deps LibMTL==1.1.5
    /tmp/golden/bin/python mtl-core/tests/golden/make_runs_golden.py

Everything runs in float64 on the CPU; the tests (tests/balance_golden_runs.rs) read the JSON only.

A run is {reference, method, settings, steps}, a step {matrix, losses?, second?, epoch_losses?} with what the reference gave:
`weights` or `direction`. `second` is the Jacobian of a second batch for methods with double sampling.
DB-MTL and MoCo are in LibMTL's repository but not in its package: their formulas are written out here.
`wrong` states what LibMTL does where we differ on purpose.
"""

import importlib.util
import json
import pathlib
import platform
import sys
import types
from importlib.metadata import version

import numpy as np
import torch
import torchjd.aggregation as agg

# The package imports its models, and those a module that torchvision has dropped: step around its front door.
package = types.ModuleType("LibMTL")
package.__path__ = list(importlib.util.find_spec("LibMTL").submodule_search_locations)
sys.modules["LibMTL"] = package

from LibMTL.weighting import CAGrad, DWA, GLS, GradVac, IMTL, MGDA, PCGrad, UW

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(20261125)


def rows(m, n):
    return rng.standard_normal((m, n)).round(6)


def unit(matrix):
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def losses(m):
    return (rng.random(m) * 2 + 0.2).round(6)


def libmtl(weighting, m, n, **attributes):
    """A LibMTL method on a 'network' whose only shared parameter is a vector; losses are linear in it."""

    class Net(weighting):
        def get_share_params(self):
            return [self.theta]

        def zero_grad_share_params(self):
            self.theta.grad.zero_()

    net = Net()
    net.device, net.task_num, net.rep_grad, net.epoch = torch.device("cpu"), m, False, 0
    net.theta = torch.nn.Parameter(torch.zeros(n))
    for name, value in attributes.items():
        setattr(net, name, value)
    net.init_param()
    return net


def step(net, matrix, values, **settings):
    """One backward call: the returned weights and the gradient left in the shared parameter."""
    net.theta.grad = None
    l = torch.tensor(matrix) @ net.theta + torch.tensor(values)
    weights = net.backward(l, **settings)
    return weights, net.theta.grad.tolist()


def libmtl_runs():
    m2 = [dict(matrix=rows(2, 6), losses=losses(2)) for _ in range(4)]
    m3 = [dict(matrix=rows(3, 7), losses=losses(3)) for _ in range(4)]
    conflict = dict(matrix=np.array([[1.0, 0.0], [-2.0, 0.5]]), losses=np.array([2.0, 3.0]))
    for reference, method, settings, make, theirs, steps, tolerance in [
        ("LibMTL", "pcgrad", {}, PCGrad, {}, [conflict, *m2], 1e-7),  # its epsilon is 1e-8
        ("LibMTL", "gradvac", {"beta": 0.5}, GradVac, {"beta": 0.5}, m2, 1e-10),
        ("LibMTL", "imtl-g", {}, IMTL, {}, m2 + m3, 1e-9),
        ("LibMTL", "cagrad", {"c": 0.5, "rescale": "quadratic"}, CAGrad, {"calpha": 0.5, "rescale": 1}, m3, 1e-3),
        ("LibMTL", "mgda", {}, MGDA, {"mgda_gn": "none"}, m2, 1e-9),
        ("LibMTL", "gls", {}, GLS, {}, m2 + m3, 1e-10),
        ("LibMTL", "uncertainty", {"initial": -0.5, "forms": ["regression"], "learning_rate": 1e-12}, UW, {}, m2 + m3, 1e-10),
    ]:
        for width in sorted({len(s["losses"]) for s in steps}):
            part = [s for s in steps if len(s["losses"]) == width]
            nets = {n: None for n in {s["matrix"].shape[1] for s in part}}
            done = []
            for s in part:
                n = s["matrix"].shape[1]
                nets[n] = nets[n] or libmtl(make, width, n)
                _, direction = step(nets[n], s["matrix"], s["losses"], **theirs)
                done.append(dict(matrix=s["matrix"].tolist(), losses=s["losses"].tolist(), direction=direction))
            ours = settings | ({"forms": settings["forms"] * width} if "forms" in settings else {})
            yield dict(reference=reference, method=method, settings=ours, tolerance=tolerance, steps=done)


def dwa_run():
    """Weights of epochs 0 to 4; every epoch has one step here, so its mean loss is that step's loss."""
    means = np.array([[1.0, 2.0, 0.5], [0.8, 1.9, 0.5], [0.7, 1.2, 0.45], [0.65, 1.1, 0.2], [0.6, 1.0, 0.1]])
    net = libmtl(DWA, 3, 2, train_loss_buffer=means.T.copy())
    done = []
    for epoch, values in enumerate(means):
        net.epoch = epoch
        weights, _ = step(net, np.zeros((3, 2)), values, T=2.0)
        done.append(dict(losses=values.tolist(), weights=[float(w) for w in weights]))
    # float32 inside: it makes its ratios with torch.Tensor.
    return dict(reference="LibMTL", method="dwa", settings={"temperature": 2.0}, tolerance=1e-10, steps=done)


def torchjd_runs():
    for method, settings, make in [
        ("modo", {"gamma": 0.1, "rho": 0.1}, lambda: agg.MoDoWeighting(gamma=0.1, rho=0.1)),
        ("sdmgrad", {"lam": 0.3}, lambda: agg.SDMGradWeighting(lambda_=0.3, lr=1.0)),
    ]:
        weighting, done = make(), []
        for _ in range(5):
            # We measure in units of the mean product of lengths (MoDo takes none, SDMGrad the roots of <g1, g2>): the same
            # for unit rows, and for SDMGrad equal looks.
            first, second = unit(rows(3, 6)), unit(rows(3, 6))
            second = first if method == "sdmgrad" else second
            weights = weighting(torch.tensor(first @ second.T))
            done.append(dict(matrix=first.tolist(), second=second.tolist(), weights=weights.tolist()))
        yield dict(reference="TorchJD", method=method, settings=settings, tolerance=1e-9, steps=done)
    wrapped, done = agg.CRMOGMWeighting(agg.AlignedMTLWeighting(scale_mode="min"), alpha=0.9), []
    for _ in range(4):
        matrix = rows(3, 6)
        weights = wrapped(torch.tensor(matrix @ matrix.T))
        done.append(dict(matrix=matrix.tolist(), weights=weights.tolist()))
    yield dict(reference="TorchJD", method="cr-mogm", settings={"alpha": 0.9, "weigh": {"kind": "aligned-mtl"}}, tolerance=1e-9, steps=done)


def aggregator_runs():
    for trim, m in [(0, 3), (1, 4), (2, 7)]:
        done = []
        for _ in range(3):
            matrix = rows(m, 9)
            done.append(dict(matrix=matrix.tolist(), direction=agg.TrimmedMean(trim)(torch.tensor(matrix)).tolist()))
        yield dict(reference="TorchJD", method="trimmed-mean", settings={"trim": trim}, tolerance=1e-6, steps=done)
    # Nothing random: everything leaks, or every coordinate has one sign.
    for leak, sign in [(1.0, False), (0.0, True), (0.4, True)]:
        matrix = rows(3, 8)
        matrix = np.abs(matrix) * np.sign(rng.standard_normal(8)) if sign else matrix
        direction = agg.GradDrop(leak=torch.full((3,), leak))(torch.tensor(matrix))
        yield dict(reference="TorchJD", method="graddrop", settings={"leak": leak}, tolerance=1e-6,
                   steps=[dict(matrix=matrix.tolist(), direction=direction.tolist())])
    # TorchJD takes the first excess risks as they are, we divide them by themselves: equal where they are equal, which they
    # are in the first step for rows of one L1 norm.
    for eta in [0.1, 1.0]:
        method, done = agg.ExcessMTL(robust_step_size=eta), []
        for k in range(5):
            matrix = rows(3, 8)
            if k == 0:
                matrix = matrix / np.abs(matrix).sum(axis=1, keepdims=True)
            done.append(dict(matrix=matrix.tolist(), losses=[1.0, 1.0, 1.0], direction=method(torch.tensor(matrix)).tolist()))
        yield dict(reference="TorchJD", method="excess-mtl", settings={"step_size": eta}, tolerance=2e-5, steps=done)


def formula_runs():
    for beta in [0.0, 0.9]:
        y, done = None, []
        for _ in range(4):
            matrix, values = rows(3, 6), losses(3)
            g = matrix / values[:, None]
            y = g if y is None else g + beta * (y - g)
            norms = np.linalg.norm(y, axis=1)
            direction = (norms.max() / norms) @ y
            done.append(dict(matrix=matrix.tolist(), losses=values.tolist(), direction=direction.tolist()))
        yield dict(reference="formula", method="db-mtl", settings={"beta": beta}, tolerance=1e-5, steps=done)
    beta, gamma, rho = 0.5, 0.1, 0.2
    y, weights, done = np.zeros((3, 6)), np.full(3, 1 / 3), []
    for _ in range(5):
        matrix, values = rows(3, 6), losses(3)
        y = y + beta * (values[:, None] * matrix / np.linalg.norm(matrix, axis=1, keepdims=True) - y)
        v = weights - gamma * (y @ y.T + rho * np.eye(3)) @ weights
        # Projection on the simplex by its definition: the shift whose clipped sum is 1, by bisection.
        low, high = v.min() - 1, v.max()
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if np.maximum(v - middle, 0).sum() > 1 else (low, middle)
        weights = np.maximum(v - low, 0)
        done.append(dict(matrix=matrix.tolist(), losses=values.tolist(), direction=(weights @ y).tolist()))
    yield dict(reference="formula", method="moco", settings=dict(beta=beta, gamma=gamma, rho=rho), tolerance=1e-5, steps=done)


def failure(make, matrix, values, **settings):
    net = libmtl(make, len(values), len(matrix[0]))
    try:
        step(net, np.array(matrix), np.array(values), **settings)
    except Exception as e:  # whatever it is, that is what is recorded
        return type(e).__name__
    return None


def wrong_cases():
    one, two = [[3.0, 4.0]], [[1.0, 0.0], [-2.0, 0.5]]
    equal = [[1.0, 2.0], [1.0, 2.0], [-1.0, 1.0]]
    net = libmtl(GLS, 2, 2)
    logged, _ = step(net, np.array(two), np.array([2.0, 3.0]))
    return [
        dict(method="mgda", name="one task", matrix=one, theirs=failure(MGDA, one, [1.0], mgda_gn="none")),
        dict(method="mgda", name="long gradients", matrix=[[2e4, 0.0], [0.0, 3e4]],
             theirs=failure(MGDA, [[2e4, 0.0], [0.0, 3e4]], [1.0, 1.0], mgda_gn="none")),
        dict(method="imtl-g", name="two equal gradients of three", matrix=equal, theirs=failure(IMTL, equal, [1.0, 1.0, 1.0])),
        dict(method="cagrad", name="two tasks", matrix=two, theirs=failure(CAGrad, two, [1.0, 1.0], calpha=0.5, rescale=1)),
        dict(method="gls", name="logged weights", losses=[2.0, 3.0], theirs=[float(w) for w in logged]),
    ]


out = dict(
    made_by="make_runs_golden.py",
    versions={p: version(p) for p in ["LibMTL", "torchjd", "torch", "numpy", "scipy"]} | {"python": platform.python_version()},
    runs=[*libmtl_runs(), dwa_run(), *torchjd_runs(), *aggregator_runs(), *formula_runs()],
    wrong=wrong_cases(),
)
path = pathlib.Path(__file__).with_name("balance_runs.json")
path.write_text(json.dumps(out, separators=(",", ":")).replace('{"reference"', '\n{"reference"') + "\n")
print(path, len(out["runs"]), "runs", out["versions"])
print(json.dumps(out["wrong"], indent=1))
