"""Writes multi_head.json: what PyTorch's attention computes, for tests/golden.rs.

Run with the torch named in the JSON's "versions"; the tests themselves need no Python:
    python make_golden.py
Everything is float64 on the CPU; inputs are drawn here and stored, so the numbers do not depend on a generator.
"""

import json
import os
import pathlib
import platform
import sys

# A wheel whose CUDA libraries are missing still imports when symbols are bound lazily.
sys.setdlopenflags(os.RTLD_LAZY | os.RTLD_GLOBAL)
import torch  # noqa: E402

torch.manual_seed(20)
torch.set_default_dtype(torch.float64)


def tensor(t):
    return {"shape": list(t.shape), "data": [float(x) for x in t.detach().reshape(-1)]}


def multi_head(name, width, memory_width, heads, b, t, s, causal=False, padding=None):
    """One nn.MultiheadAttention: parameters, inputs, output, weights, and gradients of sum(output * cotangent)."""
    module = torch.nn.MultiheadAttention(width, heads, kdim=memory_width, vdim=memory_width, batch_first=True)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.randn_like(p) * 0.4)
    xs = torch.randn(b, t, width, requires_grad=True)
    memory = xs if memory_width is None else torch.randn(b, s, memory_width, requires_grad=True)
    pad = None if padding is None else torch.tensor(padding)
    causal_mask = torch.ones(t, s).triu(1).bool() if causal else None
    out, weights = module(
        xs, memory, memory, key_padding_mask=pad, attn_mask=causal_mask, average_attn_weights=False
    )
    cotangent = torch.randn_like(out)
    (out * cotangent).sum().backward()
    if memory_width is None:
        qw, kw, vw = module.in_proj_weight.chunk(3)
        grads = dict(zip(["q.weight", "k.weight", "v.weight"], module.in_proj_weight.grad.chunk(3)))
    else:
        qw, kw, vw = module.q_proj_weight, module.k_proj_weight, module.v_proj_weight
        grads = {"q.weight": qw.grad, "k.weight": kw.grad, "v.weight": vw.grad}
    qb, kb, vb = module.in_proj_bias.chunk(3)
    params = {
        "q.weight": qw, "q.bias": qb, "k.weight": kw, "k.bias": kb, "v.weight": vw, "v.bias": vb,
        "out.weight": module.out_proj.weight, "out.bias": module.out_proj.bias,
    }
    grads["out.weight"] = module.out_proj.weight.grad
    grads["xs"] = xs.grad
    return {
        "name": name,
        "heads": heads,
        "causal": causal,
        "padding": padding,
        "params": {k: tensor(v) for k, v in params.items()},
        "xs": tensor(xs),
        "memory": None if memory_width is None else tensor(memory),
        "out": tensor(out),
        "weights": tensor(weights),
        "cotangent": tensor(cotangent),
        "grads": {k: tensor(v) for k, v in grads.items()},
    }


def main():
    cases = [
        multi_head("self", 6, None, 2, b=2, t=4, s=4),
        multi_head("causal", 6, None, 3, b=1, t=5, s=5, causal=True),
        multi_head("padded", 4, None, 2, b=2, t=3, s=3, padding=[[False, False, True], [False, False, False]]),
        multi_head("cross", 4, 7, 2, b=2, t=3, s=5, padding=[[False] * 5, [False, True, False, True, True]]),
    ]
    versions = {"torch": torch.__version__, "python": platform.python_version()}
    path = pathlib.Path(__file__).with_name("multi_head.json")
    by_line = ",\n".join(json.dumps(case) for case in cases)
    path.write_text(f'{{"versions": {json.dumps(versions)}, "cases": [\n{by_line}\n]}}\n')


if __name__ == "__main__":
    main()
