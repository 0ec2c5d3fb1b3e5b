"""Metrics as people compute them today: scikit-learn, torchmetrics, sacrebleu, jiwer, pycocotools.

Usage: metrics.py DATA_DIR {binary|maps|text|coco}
Draws the data into DATA_DIR on the first call, for the other side to read too; then prints one JSON line per library.
Arrays are in memory before the clock starts, as they are for `mtl-bench --suite peer-metrics`; texts and boxes are already
read. Scores: 10 M, one positive in five, on a grid of 2^-20, so that there are ties. Maps: 50 M pixels, 21 classes, in runs.
Texts: 20,000 sentences of 5 to 30 words with a Zipf vocabulary, a tenth of the words wrong. Boxes: 5,000 images with the
sizes of COCO val2017, 100 detections each.
"""

import contextlib
import io
import json
import pathlib
import sys
import time

import numpy as np

DIR, WHAT = pathlib.Path(sys.argv[1]), sys.argv[2]
SCORES, PIXELS, CLASSES, SENTENCES, IMAGES = 10_000_000, 50_000_000, 21, 20_000, 5_000


def draw_binary(rng):
    labels = (rng.random(SCORES) < 0.2).astype(np.uint8)
    scores = 1 / (1 + np.exp(-(rng.normal(size=SCORES) + 0.8 * labels)))
    scores = (np.floor(scores * 2**20) / 2**20).astype(np.float32)
    scores.tofile(DIR / "scores.f32")
    labels.tofile(DIR / "labels.u8")


def draw_maps(rng):
    truth = np.repeat(rng.integers(0, CLASSES, PIXELS // 100, dtype=np.uint8), 100)
    said = np.roll(truth, 7)
    noise = rng.random(PIXELS) < 0.05
    said[noise] = rng.integers(0, CLASSES, noise.sum(), dtype=np.uint8)
    truth.tofile(DIR / "truth.u8")
    said.tofile(DIR / "said.u8")


def draw_text(rng):
    words = np.array([f"w{n:x}" for n in range(8000)])
    share = 1 / np.arange(1, len(words) + 1)
    share /= share.sum()
    references, hypotheses = [], []
    for _ in range(SENTENCES):
        sentence = rng.choice(words, size=rng.integers(5, 31), p=share)
        said = sentence.copy()
        wrong = rng.random(len(said)) < 0.1
        said[wrong] = rng.choice(words, size=wrong.sum(), p=share)
        said = said[rng.random(len(said)) > 0.05]
        references.append(" ".join(sentence) + ".")
        hypotheses.append(" ".join(said) + ".")
    (DIR / "references.txt").write_text("\n".join(references))
    (DIR / "hypotheses.txt").write_text("\n".join(hypotheses))


def draw_coco(rng):
    def boxes(n):
        size = 4 + 250 * rng.random((n, 2)) ** 3
        return np.concatenate([rng.random((n, 2)) * (np.array([640, 480]) - size), size], axis=1)

    def classes(n):
        return np.minimum(rng.integers(0, 80, n), rng.integers(0, 80, n))

    truth, said = [], []
    for image in range(IMAGES):
        n = int(rng.integers(0, 15))
        true_boxes, true_classes, crowd = boxes(n), classes(n), rng.random(n) < 0.012
        for box, label, many in zip(true_boxes, true_classes, crowd):
            truth.append({"id": len(truth) + 1, "image_id": image, "category_id": int(label), "bbox": box.tolist(),
                          "area": float(box[2] * box[3]), "iscrowd": int(many)})
        found, labels, scores = boxes(100), classes(100), rng.random(100) * 0.6
        for k in np.flatnonzero(rng.random(100) < 0.4) if n else []:
            near = int(rng.integers(0, n))
            found[k] = true_boxes[near] * (1 + 0.3 * (rng.random(4) - 0.5))
            labels[k], scores[k] = true_classes[near], rng.random()
        for box, label, score in zip(found, labels, scores):
            said.append({"image_id": image, "category_id": int(label), "bbox": box.tolist(),
                         "score": round(float(score), 3)})
    frame = {"images": [{"id": i} for i in range(IMAGES)], "categories": [{"id": c, "name": str(c)} for c in range(80)]}
    (DIR / "truth.json").write_text(json.dumps({**frame, "annotations": truth}))
    (DIR / "said.json").write_text(json.dumps(said))


def data(name, draw):
    DIR.mkdir(parents=True, exist_ok=True)
    done = DIR / f"{name}.done"
    if not done.exists():
        draw(np.random.default_rng(0))
        done.write_text("")


def timed(what, work, **check):
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    print(json.dumps({"what": what, "seconds": seconds, "check": {k: float(f(result)) for k, f in check.items()}}))


def binary():
    import torch
    from sklearn.metrics import average_precision_score, roc_auc_score
    from torchmetrics.functional.classification import binary_auroc, binary_average_precision

    torch.set_num_threads(2)
    scores = np.fromfile(DIR / "scores.f32", dtype=np.float32)
    labels = np.fromfile(DIR / "labels.u8", dtype=np.uint8)
    s, t = torch.from_numpy(scores), torch.from_numpy(labels.astype(np.int64))
    timed("AUROC, 10 M scores: scikit-learn", lambda: roc_auc_score(labels, scores), value=lambda v: v)
    timed("AUROC, 10 M scores: torchmetrics", lambda: binary_auroc(s, t), value=lambda v: v)
    timed("AP, 10 M scores: scikit-learn", lambda: average_precision_score(labels, scores), value=lambda v: v)
    timed("AP, 10 M scores: torchmetrics", lambda: binary_average_precision(s, t), value=lambda v: v)


def maps():
    import torch
    from torchmetrics.functional.classification import multiclass_confusion_matrix

    torch.set_num_threads(2)
    truth, said = (np.fromfile(DIR / f"{name}.u8", dtype=np.uint8) for name in ("truth", "said"))
    t, s = torch.from_numpy(truth.astype(np.int64)), torch.from_numpy(said.astype(np.int64))

    def miou(matrix):
        matrix = matrix.double()
        hit = matrix.diag()
        return (hit / (matrix.sum(0) + matrix.sum(1) - hit)).mean()

    timed("mIoU, 50 M pixels: torchmetrics", lambda: miou(multiclass_confusion_matrix(s, t, CLASSES)), value=lambda v: v)
    timed("sum of the same bytes: numpy", lambda: int(truth.sum(dtype=np.uint64)) + int(said.sum(dtype=np.uint64)),
          value=lambda v: v)


def text():
    import jiwer
    import sacrebleu

    hypotheses = (DIR / "hypotheses.txt").read_text().split("\n")
    references = (DIR / "references.txt").read_text().split("\n")
    timed("BLEU, 20,000 sentences: sacrebleu", lambda: sacrebleu.corpus_bleu(hypotheses, [references]).score,
          value=lambda v: v)
    timed("WER, 20,000 sentences: jiwer", lambda: jiwer.wer(references, hypotheses), value=lambda v: v)


def coco():
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(DIR / "truth.json"))
        said = truth.loadRes(str(DIR / "said.json"))

    def run():
        with contextlib.redirect_stdout(io.StringIO()):
            ev = COCOeval(truth, said, "bbox")
            ev.evaluate()
            ev.accumulate()
            ev.summarize()
        return ev.stats

    timed("COCO AP, 5,000 images: pycocotools", run, ap=lambda v: v[0], ap50=lambda v: v[1], ar100=lambda v: v[8])


draw, run = {"binary": (draw_binary, binary), "maps": (draw_maps, maps), "text": (draw_text, text),
             "coco": (draw_coco, coco)}[WHAT]
data(WHAT, draw)
run()
