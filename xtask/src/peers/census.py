"""Census-Income, two tasks, MMoE, as one writes it with PyTorch, pandas and scikit-learn: reading, training, metrics.

Usage: census.py DATA_DIR EPOCHS {dataloader|indexing}
Prints one JSON line. `dataloader` is the usual way; `indexing` shuffles tensors in memory, the fastest plain PyTorch knows.
The model is that of `mtl-bench --suite peer-census`: 39 categorical fields, width 8 each, one layer of 128, 8 experts of
128-64, a gate and a linear head per task; AdamW 2e-3, batch 1024, sum of two binary cross-entropies.
"""

import json
import pathlib
import sys
import time

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

DIR, EPOCHS, FEED = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
INCOME, MARITAL, WEIGHT = 41, 7, 24
BATCH, WIDTH = 1024, 8
torch.manual_seed(0)
torch.set_num_threads(2)


def read():
    train, test = (
        pd.read_csv(DIR / f"census_income_1994_1995_{part}.csv", header=None, skipinitialspace=True, dtype=str)
        for part in ("train", "test")
    )
    rows = np.random.default_rng(0).permutation(len(train))
    held = len(train) // 10
    parts = {"validation": train.iloc[rows[:held]], "train": train.iloc[rows[held:]], "test": test}
    fields = [c for c in train.columns if c not in (INCOME, MARITAL, WEIGHT)]
    codes = {name: np.empty((len(part), len(fields)), dtype=np.int64) for name, part in parts.items()}
    sizes = []
    for i, field in enumerate(fields):
        counts = parts["train"][field].value_counts()
        known = {value: code + 1 for code, value in enumerate(counts.index[counts >= 3])}  # 0: not seen
        sizes.append(len(known) + 1)
        for name, part in parts.items():
            codes[name][:, i] = part[field].map(known).fillna(0).to_numpy(dtype=np.int64)
    out = {}
    for name, part in parts.items():
        income = part[INCOME].str.startswith("50000+").to_numpy(dtype=np.float32)
        marital = (part[MARITAL] == "Never married").to_numpy(dtype=np.float32)
        out[name] = (torch.from_numpy(codes[name]), torch.from_numpy(np.stack([income, marital], axis=1)))
    return out, sizes


class Mmoe(nn.Module):
    def __init__(self, sizes, experts=8):
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(size, WIDTH) for size in sizes)
        self.trunk = nn.Sequential(nn.Linear(len(sizes) * WIDTH, 128), nn.ReLU())
        expert = lambda: nn.Sequential(nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU())
        self.experts = nn.ModuleList(expert() for _ in range(experts))
        self.gates = nn.ModuleList(nn.Linear(128, experts) for _ in range(2))
        self.heads = nn.ModuleList(nn.Linear(64, 1) for _ in range(2))

    def forward(self, codes):
        z = torch.cat([embedding(codes[:, i]) for i, embedding in enumerate(self.embeddings)], dim=1)
        z = self.trunk(z)
        experts = torch.stack([expert(z) for expert in self.experts], dim=1)
        out = []
        for gate, head in zip(self.gates, self.heads):
            mix = torch.softmax(gate(z), dim=1).unsqueeze(2)
            out.append(head((mix * experts).sum(dim=1)))
        return torch.cat(out, dim=1)


def batches(codes, labels, epoch):
    if FEED == "dataloader":
        yield from DataLoader(TensorDataset(codes, labels), batch_size=BATCH, shuffle=True)
        return
    order = torch.randperm(len(codes))
    for start in range(0, len(codes), BATCH):
        rows = order[start : start + BATCH]
        yield codes[rows], labels[rows]


@torch.no_grad()
def evaluate(model, codes, labels):
    model.eval()
    scores = torch.cat([model(part) for part in codes.split(4096)]).numpy()
    model.train()
    return [float(roc_auc_score(labels[:, t], scores[:, t])) for t in range(2)]


start = time.perf_counter()
data, sizes = read()
read_seconds = time.perf_counter() - start
model = Mmoe(sizes)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
begin = time.perf_counter()
for epoch in range(EPOCHS):
    for codes, labels in batches(*data["train"], epoch):
        losses = nn.functional.binary_cross_entropy_with_logits(model(codes), labels, reduction="none").mean(dim=0)
        optimizer.zero_grad()
        losses.sum().backward()
        optimizer.step()
    validation = evaluate(model, *data["validation"])
test = evaluate(model, *data["test"])
train_seconds = time.perf_counter() - begin
total = time.perf_counter() - start
samples = EPOCHS * len(data["train"][0])
print(json.dumps({
    "what": f"census, MMoE, {FEED}",
    "seconds": total,
    "parts": {"reading": read_seconds, "training and metrics": train_seconds},
    "samples": samples,
    "check": {"income": test[0], "marital": test[1]},
}))
