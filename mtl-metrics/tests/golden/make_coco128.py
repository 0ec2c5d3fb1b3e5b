"""Makes coco128.json: pycocotools on the real boxes of coco128, moved by random amounts that the Rust test repeats.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install pycocotools==2.0.11 numpy==2.4.6
    MTL_DATA_DIR=... /tmp/golden/bin/python mtl-metrics/tests/golden/make_coco128.py

Labels are relative; every image is taken as 640 by 480 pixels.
"""

import contextlib
import io
import json
import os
import pathlib

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

MASK = (1 << 64) - 1


class Draw:
    """SplitMix64, 24 bits each."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 40) / (1 << 24)


folder = pathlib.Path(os.environ["MTL_DATA_DIR"], "coco128/object_detection/labels/train2017")
anns, dets, ids = [], [], []
for file in sorted(folder.glob("*.txt")):
    image, draw = int(file.stem), Draw(int(file.stem))
    ids.append(image)
    for line in file.read_text().splitlines():
        c, *rest = line.split()
        cx, cy, w, h = (float(v) for v in rest)
        w, h = w * 640.0, h * 480.0
        x, y = cx * 640.0 - w / 2.0, cy * 480.0 - h / 2.0
        anns.append(dict(id=len(anns) + 1, image_id=image, category_id=int(c), bbox=[x, y, w, h], area=w * h,
                         iscrowd=int(draw() < 0.05)))
        for _ in range(2):
            moved = [x + (draw() - 0.5) * 0.3 * w, y + (draw() - 0.5) * 0.3 * h, w * (0.85 + 0.3 * draw()), h * (0.85 + 0.3 * draw())]
            wrong = draw() < 0.1
            score = int(draw() * 20.0) / 20.0
            dets.append(dict(image_id=image, category_id=(int(c) + 1) % 80 if wrong else int(c), bbox=moved, score=score))
coco = COCO()
coco.dataset = dict(images=[dict(id=i) for i in ids], annotations=anns, categories=[dict(id=c, name=str(c)) for c in range(80)])
with contextlib.redirect_stdout(io.StringIO()):
    coco.createIndex()
    ev = COCOeval(coco, coco.loadRes(dets), "bbox")
    ev.evaluate()
    ev.accumulate()
    ev.summarize()
out = pathlib.Path(__file__).with_name("coco128.json")
out.write_text(json.dumps(dict(versions=dict(pycocotools="2.0.11"), images=len(ids), objects=len(anns), values=[float(v) for v in ev.stats])) + "\n")
