"""Runs an exported package in Python, with no code of the model, and compares with what Rust answers.

    pip install torch==2.11.0 safetensors
    mtl export RUN --to PACKAGE
    mtl predict PACKAGE --input rows.csv --output answers.csv
    python check_torchscript.py PACKAGE rows.csv answers.csv

Preprocessing is done here from what model.pt says about itself, so a description that lacks something fails. Checked are:
all answers to 1e-6 in batches of 1, 7 and all rows; the weights by name, bit by bit, against the TorchScript module;
checksums of all files. Prints the largest difference and exits with 1 when something differs.
"""

import csv
import hashlib
import json
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file


def read_inputs(description, path):
    preprocessing = description["preprocessing"]
    assert preprocessing["kind"] == "table", "this script reads tables"
    fmt, fitted = preprocessing["format"], preprocessing["fitted"]
    schema = fitted["schema"]
    with open(path, newline="", encoding="utf-8-sig") as f:
        rows = [[x.strip(" \t\r") for x in row] for row in csv.reader(f, delimiter=fmt["delimiter"], skipinitialspace=True)]
    rows = [row for row in rows if row and row != [""]]
    names = rows.pop(0) if fmt["header"] else [c["name"] for c in schema["columns"]]
    codes, numbers = [], []
    for column, learned in zip(schema["columns"], fitted["columns"]):
        kind = column["kind"]
        if kind not in ("categorical", "numeric"):
            continue
        cells = [row[names.index(column["name"])] for row in rows]
        if kind == "categorical":
            code = {text: i + 1 for i, text in enumerate(learned["categorical"]["vocabulary"])}
            codes.append([code.get(cell, 0) for cell in cells])
        else:
            learned, transform = learned["numeric"], column["transform"]
            scaled = []
            for cell in cells:
                missing = cell in schema["missing"] and column["missing"] == "mean"
                x = learned["fill"] if missing else torch.tensor(float(cell), dtype=torch.float32).item()
                if transform == "log1p-standard":
                    x = math.copysign(math.log1p(abs(x)), x)
                scaled.append((x - learned["mean"]) / learned["std"])
            numbers.append(scaled)
    tensors = {}
    if codes:
        tensors["categorical"] = torch.tensor(codes, dtype=torch.int64).T.contiguous()
    if numbers:
        tensors["numeric"] = torch.tensor(numbers, dtype=torch.float64).T.to(torch.float32).contiguous()
    return [tensors[spec["name"]] for spec in description["input_tensors"]], len(rows)


def read_answers(description, path):
    with open(path, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    answers = []
    for task in description["tasks"]:
        name, label = task["name"], task["label"]
        if "class" in label:
            columns = [f"{name}.{c}" for c in label["class"]["classes"]]
        elif "binary" in label:
            columns = [f"{name}.{c}" for c in label["binary"]["labels"]]
        else:
            names = label["values"]["names"]
            columns = [name] if len(names) == 1 else [f"{name}.{c}" for c in names]
        answers.append(torch.tensor([[float(row[c]) for c in columns] for row in rows], dtype=torch.float32))
    return answers


def main(package, rows, answers):
    package = Path(package)
    torch.set_num_threads(1)
    extra = {"mtl.json": ""}
    model = torch.jit.load(package / "model.pt", _extra_files=extra)
    model.eval()
    description = json.loads(extra["mtl.json"])["model"]
    manifest = json.loads((package / "model.json").read_text(encoding="utf-8"))
    assert manifest["model"] == description, "model.pt and model.json describe different models"
    for file in manifest["files"]:
        data = (package / file["name"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == file["sha256"], file["name"]

    weights, state = load_file(package / "model.safetensors"), model.state_dict()
    assert sorted(weights) == sorted(state), set(weights) ^ set(state)
    assert all(torch.equal(weights[name], state[name]) for name in weights), "weights differ"

    inputs, n = read_inputs(description, rows)
    expected = read_answers(description, answers)
    largest = 0.0
    for size in (1, 7, n):
        batches = [model(*(t[i : i + size] for t in inputs)) for i in range(0, n, size)]
        for task, (spec, truth) in enumerate(zip(description["output_tensors"], expected)):
            found = torch.cat([batch[task] for batch in batches])
            assert found.shape == truth.shape and found.shape[1] == spec["shape"][1], (spec, found.shape, truth.shape)
            assert not found.requires_grad
            largest = max(largest, ((found - truth).abs() / truth.abs().clamp(min=1)).max().item())
    print(f"torch {torch.__version__}: {n} rows, {len(expected)} tasks, {len(weights)} tensors, difference {largest:.2e}")
    return 0 if largest <= 1e-6 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
