"""Times pycocotools on the files that the example vision_speed wrote.

    cargo run --release -p mtl-metrics --example vision_speed /tmp/coco
    /tmp/golden/bin/python mtl-metrics/tests/golden/time_coco.py /tmp/coco
"""

import sys
import time

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

truth = COCO(sys.argv[1] + "/truth.json")
said = truth.loadRes(sys.argv[1] + "/said.json")
start = time.perf_counter()
ev = COCOeval(truth, said, "bbox")
ev.evaluate()
ev.accumulate()
ev.summarize()
print(f"pycocotools: {time.perf_counter() - start:.2f} s")
print([f"{v:.12f}" for v in ev.stats])
