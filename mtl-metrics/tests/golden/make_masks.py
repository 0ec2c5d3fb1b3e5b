"""Makes masks.json: AP and AR of masks as pycocotools computes them, and the IoU of pairs of masks.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install pycocotools==2.0.11 numpy==2.4.6
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_masks.py

Masks are COCO's counts without compression. -1 is written as null.
"""

import contextlib
import io
import json
import pathlib
import platform
from importlib.metadata import version

import numpy as np
from pycocotools import mask as coding
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

rng = np.random.default_rng(20261125)


def quiet(f, *args):
    with contextlib.redirect_stdout(io.StringIO()):
        return f(*args)


def none(x):
    return None if not np.isfinite(x) or x < -0.5 else float(x)


def counts(pixels):
    """Runs of 0 and 1 in turn, down the columns."""
    flat = pixels.ravel(order="F").astype(int)
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], ends, [flat.size]]))
    runs = [int(r) for r in runs]
    return runs if flat.size == 0 or flat[0] == 0 else [0, *runs]


def encoded(mask, size):
    return coding.frPyObjects(dict(counts=mask, size=list(size)), *size)


def blob(size, low, high):
    """An ellipse, turned, now and then with a hole or a second part."""
    h, w = size
    y, x = np.mgrid[:h, :w]
    pixels = np.zeros(size, bool)
    for _ in range(1 + (rng.random() < 0.2)):
        cy, cx, turn = rng.uniform(0, h), rng.uniform(0, w), rng.uniform(0, np.pi)
        a, b = rng.uniform(low, high, 2)
        u, v = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn), (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        inside = (u / a) ** 2 + (v / b) ** 2
        pixels |= (inside < 1) & ((inside > 0.2) | (rng.random() < 0.7))
    return pixels


def moved(pixels, far, share):
    """Shifted, with some pixels of a coarse grid turned over near its edge."""
    out = np.roll(pixels, rng.integers(-far, far + 1, 2), (0, 1))
    edge = out ^ np.roll(out, 1, rng.integers(2))
    return out ^ (edge & (rng.random(out.shape) < share))


def values(images, size):
    anns, dets = [], []
    for image in images:
        for g in image["gt"]:
            anns.append(dict(id=len(anns) + 1, image_id=image["id"], category_id=g["class"], area=g["area"], iscrowd=int(g["crowd"]),
                             segmentation=dict(counts=g["mask"], size=list(size)), bbox=[0, 0, 1, 1]))
        for d in image["dt"]:
            dets.append(dict(image_id=image["id"], category_id=d["class"], score=d["score"], segmentation=encoded(d["mask"], size)))
    classes = sorted({a["category_id"] for a in anns} | {d["category_id"] for d in dets})
    coco = COCO()
    coco.dataset = dict(images=[dict(id=i["id"], height=size[0], width=size[1]) for i in images], annotations=anns,
                        categories=[dict(id=c, name=str(c)) for c in classes])
    quiet(coco.createIndex)
    if dets:
        found = quiet(coco.loadRes, dets)
    else:
        found = COCO()
        found.dataset = dict(coco.dataset, annotations=[])
        quiet(found.createIndex)
    ev = COCOeval(coco, found, "segm")
    quiet(ev.evaluate)
    quiet(ev.accumulate)
    quiet(ev.summarize)
    return [none(v) for v in ev.stats]


cases = []


def add(name, size, images):
    cases.append(dict(name=name, size=list(size), images=images, values=values(images, size)))


def drawn(name, size=(48, 64), n_images=2, n_classes=2, n_gt=3, n_dt=5, crowd=0.0, ties=False, low=3, high=14, far=2, share=0.3, own=True):
    images = []
    for image in rng.permutation(n_images):
        gt, dt = [], []
        for _ in range(rng.integers(n_gt + 1) if n_gt else 0):
            pixels = blob(size, low, high)
            area = float(pixels.sum()) if own else round(float(pixels.sum() * rng.uniform(0.5, 40)), 2)
            gt.append(dict(pixels=pixels, area=area, crowd=bool(rng.random() < crowd)) | {"class": int(rng.integers(n_classes))})
        for _ in range(rng.integers(n_dt + 1) if n_dt else 0):
            score = round(float(rng.integers(4) / 4 if ties else rng.random()), 4)
            known = gt[rng.integers(len(gt))] if gt and rng.random() < 0.75 else None
            pixels = moved(known["pixels"], far, share) if known else blob(size, low, high)
            kind = known["class"] if known and rng.random() < 0.85 else int(rng.integers(n_classes))
            dt.append(dict(mask=counts(pixels), score=score) | {"class": kind})
        gt = [dict(mask=counts(g.pop("pixels"))) | g for g in gt]
        images.append(dict(id=int(image) * 2 + 1, gt=gt, dt=dt))
    add(name, size, images)


for seed in range(12):
    drawn(f"random {seed}", n_images=3)
for seed in range(8):
    drawn(f"crowds {seed}", crowd=0.5, n_gt=4, n_dt=7)
for seed in range(6):
    drawn(f"ties {seed}", ties=True, n_images=3)
for seed in range(5):
    drawn(f"areas of files {seed}", own=False)
for seed in range(3):
    drawn(f"exact {seed}", far=0, share=0.0)
for size in ((1, 40), (40, 1), (7, 9)):
    drawn(f"images of {size}", size=size, low=1, high=5)
drawn("large", size=(130, 140), n_images=1, n_gt=2, n_dt=3, low=40, high=60)
drawn("no detection", n_dt=0)
drawn("no object", n_gt=0)
drawn("nothing", n_gt=0, n_dt=0)
drawn("only crowds", crowd=1.0, n_gt=4, n_dt=7)
drawn("many", size=(16, 16), n_images=1, n_classes=1, n_gt=3, n_dt=130, low=2, high=6)
empty, full, half = [300], [0, 300], [0, 150, 150]
hit = lambda mask, score=0.5: dict(mask=mask, score=score) | {"class": 1}
there = lambda mask, area, crowd=False: dict(mask=mask, area=area, crowd=crowd) | {"class": 1}
add("empty masks", (15, 20), [dict(id=1, gt=[there(empty, 0.0), there(half, 150.0)], dt=[hit(empty), hit(half, 0.4)])])
add("one object twice", (15, 20), [dict(id=1, gt=[there(half, 150.0)], dt=[hit(half), hit(half)])])
add("half of a crowd", (15, 20), [dict(id=1, gt=[there(full, 300.0, True)], dt=[hit(half), hit([10, 20, 30, 40, 200], 0.2)])])
add("half of an object", (15, 20), [dict(id=1, gt=[there(full, 300.0)], dt=[hit(half)])])


def parts_of_a_crowd(name, size=(40, 50)):
    """Surer detections that are pieces of a crowd, then those of a plain object: only the crowd rule ignores the pieces."""
    crowd, plain = blob(size, 12, 20), blob(size, 5, 9)
    pieces = [crowd & blob(size, 5, 12) for _ in range(4)]
    pieces += [(crowd & blob(size, 6, 10)) | blob(size, 1, 4) for _ in range(2)]
    dt = [hit(counts(piece), round(0.5 + 0.08 * k, 2)) for k, piece in enumerate(pieces) if piece.any()]
    dt += [hit(counts(moved(plain, 1, 0.2)), 0.3)]
    add(name, size, [dict(id=1, gt=[there(counts(crowd), float(crowd.sum()), True), there(counts(plain), float(plain.sum()))], dt=dt)])


for seed in range(6):
    parts_of_a_crowd(f"parts of a crowd {seed}")

pairs = []
for k in range(60):
    size = tuple(int(v) for v in rng.integers(1, 30, 2))
    a = rng.random(size) < rng.random() if k % 2 else blob(size, 1, 12)
    b = moved(a, 2, 0.5) if k % 3 else rng.random(size) < rng.random()
    a, b = counts(a), counts(b)
    ours = [encoded(m, size) for m in (a, b)]
    iou = float(coding.iou([ours[0]], [ours[1]], [0])[0, 0])
    pairs.append(dict(size=list(size), masks=[a, b], areas=[int(coding.area(m)) for m in ours], iou=iou))

versions = dict(python=platform.python_version()) | {p: version(p) for p in ("numpy", "pycocotools")}
path = pathlib.Path(__file__).with_name("masks.json")
path.write_text(json.dumps(dict(versions=versions, cases=cases, pairs=pairs), separators=(",", ":"), allow_nan=False) + "\n")
print(len(cases), "cases", path.stat().st_size // 1000, "kB")
