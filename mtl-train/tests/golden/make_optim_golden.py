#!/usr/bin/env python3
"""Writes optimizers.json and schedules.json: what torch.optim does, the reference for
`tests/optimization/{optimizer,schedule}_golden.rs`. Lion, which torch.optim has not, is lion-pytorch's.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install torch==2.11.0 numpy lion-pytorch==0.2.5
    /tmp/golden/bin/python mtl-train/tests/golden/make_optim_golden.py

Everything runs in float64 on the CPU, foreach and fused switched off: PyTorch's plain loops are the reference. Tests read
the JSON only; no test needs Python.
"""

import json
import pathlib
import platform
from importlib.metadata import version

import numpy as np
import torch
from lion_pytorch import Lion
from torch.optim import lr_scheduler as sched

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(20251125)
STEPS = 20
START = {"w": rng.standard_normal((3, 2)).round(6), "v": rng.standard_normal(3).round(6)}
# Two magnitudes, a zero gradient, and steps in which the task of `v` is absent.
GRADS = [
    {
        "w": (rng.standard_normal((3, 2)) * (10.0 if t % 7 == 3 else 1.0)).round(6) * (0.0 if t == 5 else 1.0),
        "v": None if t % 3 == 2 else rng.standard_normal(3).round(6),
    }
    for t in range(STEPS)
]


def run(make, lr, wd, groups):
    params = {name: torch.tensor(value, requires_grad=True) for name, value in START.items()}
    # Ours decays matrices only.
    settings = {"w": {"lr": lr, "weight_decay": wd}, "v": {"lr": lr, "weight_decay": 0.0}}
    for name, group in groups.items():
        settings[name] = {**settings[name], **group}
    optimizer = make([{"params": [params[name]], **settings[name]} for name in params])
    trace = []
    for grads in GRADS:
        for name, p in params.items():
            p.grad = None if grads[name] is None else torch.tensor(grads[name])
        optimizer.step()
        trace.append({name: p.detach().reshape(-1).tolist() for name, p in params.items()})
    return trace


def plain(cls, **kwargs):
    return lambda groups: cls(groups, foreach=False, **kwargs)


def optimizers():
    o = torch.optim
    cases = []

    def case(name, config, make, groups=None, ours=()):
        trace = run(make, config["lr"], config.get("weight_decay", 0.0), groups or {})
        cases.append(dict(name=name, config=config, groups=list(ours), trace=trace))

    adamw = dict(kind="adamw", lr=0.05, betas=[0.8, 0.95], weight_decay=0.1, eps=1e-6)
    torch_adamw = dict(betas=(0.8, 0.95), eps=1e-6)
    case("adamw", adamw, plain(o.AdamW, **torch_adamw))
    case("adamw amsgrad", adamw | dict(amsgrad=True), plain(o.AdamW, amsgrad=True, **torch_adamw))
    case("adam", dict(kind="adam", lr=0.05, weight_decay=0.2), plain(o.Adam))
    case("adam amsgrad", dict(kind="adam", lr=0.05, amsgrad=True), plain(o.Adam, amsgrad=True))
    for momentum, nesterov in [(0.0, False), (0.9, False), (0.9, True)]:
        config = dict(kind="sgd", lr=0.03, momentum=momentum, nesterov=nesterov, weight_decay=0.1)
        case(f"sgd {momentum} {nesterov}", config, plain(o.SGD, momentum=momentum, nesterov=nesterov))
    for momentum, centered in [(0.0, False), (0.8, False), (0.0, True), (0.8, True)]:
        config = dict(kind="rmsprop", lr=0.02, alpha=0.9, momentum=momentum, centered=centered, weight_decay=0.1)
        case(f"rmsprop {momentum} {centered}", config, plain(o.RMSprop, alpha=0.9, momentum=momentum, centered=centered))
    case("adagrad", dict(kind="adagrad", lr=0.3), plain(o.Adagrad))
    config = dict(kind="adagrad", lr=0.3, lr_decay=0.1, weight_decay=0.1, initial_accumulator=0.5, eps=1e-6)
    case("adagrad decaying", config, plain(o.Adagrad, lr_decay=0.1, initial_accumulator_value=0.5, eps=1e-6))
    config = dict(kind="lion", lr=0.02, betas=[0.8, 0.95], weight_decay=0.3)
    case("lion", config, lambda groups: Lion(groups, betas=(0.8, 0.95), decoupled_weight_decay=False))
    # Parameter groups: factors on the learning rate, another weight decay.
    groups = {"w": dict(lr=0.005, weight_decay=0.4), "v": dict(lr=0.1)}
    ours = [dict(role="shared", lr_factor=0.1, weight_decay=0.4), dict(task="a", lr_factor=2.0)]
    case("adamw in groups", adamw, plain(o.AdamW, **torch_adamw), groups, ours)
    return dict(steps=STEPS, start={k: v.reshape(-1).tolist() for k, v in START.items()},
                grads=[{k: None if g is None else g.reshape(-1).tolist() for k, g in grads.items()} for grads in GRADS],
                cases=cases)


def rates(make, total, lr=0.1):
    p = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=lr)
    scheduler = make(optimizer)
    out = []
    for _ in range(total):
        out.append(optimizer.param_groups[0]["lr"] / lr)
        optimizer.step()
        scheduler.step()
    return out


def warm(make, warmup):
    """Linear warm-up to the full rate, then the schedule."""

    def both(optimizer):
        ramp = sched.LinearLR(optimizer, start_factor=1.0 / warmup, end_factor=1.0, total_iters=warmup - 1)
        return sched.SequentialLR(optimizer, [ramp, make(optimizer)], milestones=[warmup])

    return both


def schedules():
    total, lr = 40, 0.1
    cases = []

    def case(config, make, warmup=0):
        make = warm(make, warmup) if warmup else make
        config = config | (dict(warmup_steps=warmup) if warmup else {})
        cases.append(dict(config=config, total=total, factors=rates(make, total, lr)))

    case(dict(kind="constant"), lambda o: sched.ConstantLR(o, factor=1.0))
    for warmup in (0, 6):
        rest = total - warmup
        case(dict(kind="step", every_steps=7, gamma=0.3), lambda o: sched.StepLR(o, 7, 0.3), warmup)
        case(dict(kind="exponential", every_steps=1, gamma=0.9), lambda o: sched.ExponentialLR(o, 0.9), warmup)
        case(dict(kind="cosine"), lambda o: sched.CosineAnnealingLR(o, rest), warmup)
        case(dict(kind="cosine", floor=0.2), lambda o: sched.CosineAnnealingLR(o, rest, eta_min=0.2 * lr), warmup)
        for power in (1.0, 0.9, 2.0):
            case(dict(kind="polynomial", power=power), lambda o: sched.PolynomialLR(o, rest, power), warmup)
    for anneal in ("cosine", "linear"):
        for pct, div, final in [(0.3, 25.0, 1e4), (0.45, 10.0, 100.0)]:
            config = dict(kind="one-cycle", pct_start=pct, div_factor=div, final_div_factor=final, anneal=anneal)
            case(config, lambda o: sched.OneCycleLR(
                o, max_lr=lr, total_steps=total + 1, pct_start=pct, div_factor=div, final_div_factor=final,
                anneal_strategy=anneal[:3] if anneal == "cosine" else anneal, cycle_momentum=False))
            # PyTorch refuses to step past the end, so it gets one step more, and ours the same run.
            cases[-1]["total"] = total + 1
    return cases


def plateaus():
    cases = []
    for direction in ("max", "min"):
        for mode in ("rel", "abs"):
            for patience, cooldown, floor in [(1, 0, 0.0), (3, 2, 0.0), (2, 1, 0.05)]:
                noise = rng.standard_normal(80) * 0.05
                curve = 1.0 - np.exp(-np.arange(80) / 8.0) + noise + 0.2
                scores = np.abs(curve if direction == "max" else 2.0 - curve).round(6).tolist()
                p = torch.zeros(1, requires_grad=True)
                lr = 0.1
                optimizer = torch.optim.SGD([p], lr=lr)
                plateau = sched.ReduceLROnPlateau(
                    optimizer, mode=direction, factor=0.4, patience=patience, threshold=0.01, threshold_mode=mode,
                    cooldown=cooldown, min_lr=floor * lr, eps=0.0)
                factors = []
                for score in scores:
                    optimizer.step()
                    plateau.step(score)
                    factors.append(optimizer.param_groups[0]["lr"] / lr)
                config = dict(kind="plateau", factor=0.4, patience=patience, threshold=0.01, cooldown=cooldown, floor=floor,
                              threshold_mode={"rel": "relative", "abs": "absolute"}[mode])
                cases.append(dict(config=config, maximize=direction == "max", scores=scores, factors=factors))
    return cases


versions = {p: version(p) for p in ["torch", "lion-pytorch", "numpy"]} | {"python": platform.python_version()}
for name, content in [("optimizers", optimizers()), ("schedules", dict(curves=schedules(), plateaus=plateaus()))]:
    path = pathlib.Path(__file__).with_name(f"{name}.json")
    out = dict(made_by="make_optim_golden.py", versions=versions) | content
    path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
    print(path, versions)
