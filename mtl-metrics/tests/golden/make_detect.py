"""Makes detect.json: detection, temporal, panoptic and tracking metrics as their references compute them.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install pycocotools==2.0.11 numpy==2.4.6 motmetrics==1.4.0
    /tmp/golden/bin/python mtl-metrics/tests/golden/make_detect.py

COCO values are those of pycocotools (-1 is written as null), tracking those of py-motmetrics. ActivityNet's and panopticapi's
rules are written out below from their definitions, pixel by pixel and pair by pair.
"""

import contextlib
import io
import json
import pathlib
import platform

import motmetrics as mm
import numpy as np
import pycocotools
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

rng = np.random.default_rng(20251125)
THRESHOLDS = np.linspace(0.5, 0.95, 10)


def none(x):
    return None if x is None or not np.isfinite(x) or x < -0.5 else float(x)


def quiet(f, *args):
    with contextlib.redirect_stdout(io.StringIO()):
        return f(*args)


def coco_values(images, kind="bbox", sigmas=None):
    """images: dicts with id, dt = [{class, score, box | keypoints}], gt = [{class, box, area, crowd, ..}]."""
    anns, dets = [], []
    for image in images:
        for g in image["gt"]:
            anns.append(dict(id=len(anns) + 1, image_id=image["id"], category_id=g["class"], bbox=g["box"],
                             area=g["area"], iscrowd=int(g["crowd"])))
            if kind == "keypoints":
                flat = [v for point in g["points"] for v in point]
                anns[-1] |= dict(keypoints=flat, num_keypoints=sum(p[2] > 0 for p in g["points"]))
        for d in image["dt"]:
            dets.append(dict(image_id=image["id"], category_id=d["class"], score=d["score"]))
            if kind == "bbox":
                dets[-1]["bbox"] = d["box"]
            else:
                dets[-1]["keypoints"] = [v for point in d["points"] for v in (*point, 2)]
    classes = sorted({a["category_id"] for a in anns} | {d["category_id"] for d in dets})
    coco = COCO()
    coco.dataset = dict(images=[dict(id=i["id"]) for i in images], annotations=anns,
                        categories=[dict(id=c, name=str(c)) for c in classes])
    quiet(coco.createIndex)
    found = quiet(coco.loadRes, dets) if dets else None
    if found is None:
        found = COCO()
        found.dataset = dict(coco.dataset, annotations=[])
        quiet(found.createIndex)
    ev = COCOeval(coco, found, kind)
    if sigmas is not None:
        ev.params.kpt_oks_sigmas = np.array(sigmas)
    quiet(ev.evaluate)
    quiet(ev.accumulate)
    quiet(ev.summarize)
    per_class = []
    for k in range(len(classes)):
        p = ev.eval["precision"][:, :, k, 0, -1]
        per_class.append(none(p.mean()) if (p > -1).all() else None)
    return [none(v) for v in ev.stats], classes, per_class


def box(size):
    w, h = rng.uniform(4, size, 2)
    return [round(float(v), 2) for v in (rng.uniform(0, 400), rng.uniform(0, 400), w, h)]


def near(b, noise):
    b = np.array(b)
    b = b + rng.normal(0, noise, 4) * np.array([b[2], b[3], b[2], b[3]])
    return [round(float(v), 2) for v in np.maximum(b, [-1e9, -1e9, 0, 0])]


def coco_case(name, n_images, n_classes, n_gt, n_dt, crowd=0.0, ties=False, noise=0.08, size=220, areas=True):
    images = []
    for image in rng.permutation(n_images):
        gt = [dict(box=(b := box(size)), area=round(b[2] * b[3] * (rng.uniform(0.5, 1) if areas else 1.0), 2),
                   crowd=bool(rng.uniform() < crowd)) | {"class": int(rng.integers(n_classes))}
              for _ in range(rng.integers(n_gt + 1))]
        dt = []
        for _ in range(rng.integers(n_dt + 1) if n_dt else 0):
            score = round(float(rng.integers(4) / 4 if ties else rng.uniform()), 4)
            if gt and rng.uniform() < 0.7:
                g = gt[rng.integers(len(gt))]
                right = rng.uniform() < 0.85
                dt.append(dict(box=near(g["box"], noise), score=score)
                          | {"class": g["class"] if right else int(rng.integers(n_classes))})
            else:
                dt.append(dict(box=box(size), score=score) | {"class": int(rng.integers(n_classes))})
        images.append(dict(id=int(image) * 3 + 1, gt=gt, dt=dt))
    add_coco(name, images)


coco = []


def add_coco(name, images):
    values, classes, per_class = coco_values(images)
    coco.append(dict(name=name, images=images, values=values, classes=classes, per_class=per_class))


for seed in range(12):
    coco_case(f"random {seed}", 4, 3, 8, 14)
for seed in range(6):
    coco_case(f"crowds {seed}", 4, 2, 7, 14, crowd=0.4)
for seed in range(6):
    coco_case(f"ties {seed}", 5, 2, 6, 12, ties=True)
for seed in range(4):
    coco_case(f"small objects {seed}", 4, 2, 8, 14, size=40)
for seed in range(3):
    coco_case(f"exact boxes {seed}", 3, 1, 6, 12, noise=0.0, ties=True)
coco_case("no detection", 3, 2, 5, 0)
coco_case("no object", 3, 2, 0, 6)
coco_case("nothing", 2, 1, 0, 0)
coco_case("one image", 1, 1, 1, 1)
coco_case("only crowds", 3, 1, 5, 9, crowd=1.0)
coco_case("many detections of a class", 1, 1, 12, 160, noise=0.15)
square = dict(box=[10.0, 10.0, 32.0, 32.0], area=1024.0, crowd=False) | {"class": 1}
hit = dict(box=[10.0, 10.0, 32.0, 32.0], score=0.5) | {"class": 1}
add_coco("an area on the edge of two ranges", [dict(id=1, gt=[square], dt=[hit])])
add_coco("two equal detections of one object", [dict(id=1, gt=[square], dt=[hit, hit])])
add_coco("two equal objects, one detection", [dict(id=1, gt=[square, square], dt=[hit])])
add_coco("boxes without area", [dict(id=1, gt=[square | dict(box=[10.0, 10.0, 0.0, 32.0], area=0.0)],
                                     dt=[hit | dict(box=[10.0, 10.0, 0.0, 32.0])])])
add_coco("zero and negative scores", [dict(id=1, gt=[square], dt=[hit | dict(score=-0.5), hit | dict(score=0.0)])])

# --- keypoints -----------------------------------------------------------------------------------------------------
COCO_SIGMAS = [.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089]
poses = []


def person(k, unlabeled=0.3):
    b = box(300)
    points = [[round(float(b[0] + rng.uniform() * b[2]), 2), round(float(b[1] + rng.uniform() * b[3]), 2),
               int(rng.integers(1, 3)) if rng.uniform() > unlabeled else 0] for _ in range(k)]
    return dict(box=b, area=round(b[2] * b[3] * 0.6, 2), crowd=False, points=points) | {"class": 1}


def pose_case(name, n_images, n_gt, n_dt, sigmas=None, unlabeled=0.3, crowd=0.0, noise=6.0, ties=False):
    k = len(sigmas or COCO_SIGMAS)
    images = []
    for image in rng.permutation(n_images):
        gt = [person(k, unlabeled) for _ in range(rng.integers(n_gt + 1))]
        for g in gt:
            g["crowd"] = bool(rng.uniform() < crowd)
        dt = []
        for _ in range(rng.integers(n_dt + 1) if n_dt else 0):
            score = round(float(rng.integers(4) / 4 if ties else rng.uniform()), 4)
            source = gt[rng.integers(len(gt))] if gt and rng.uniform() < 0.75 else person(k)
            points = [[round(float(x + rng.normal(0, noise)), 2), round(float(y + rng.normal(0, noise)), 2)]
                      for x, y, _ in source["points"]]
            dt.append(dict(points=points, score=score) | {"class": 1})
        images.append(dict(id=int(image), gt=gt, dt=dt))
    values, _, _ = coco_values(images, "keypoints", sigmas or COCO_SIGMAS)
    poses.append(dict(name=name, sigmas=sigmas or COCO_SIGMAS, images=images, values=values))


for seed in range(14):
    pose_case(f"three keypoints {seed}", 4, 3, 6, [0.05, 0.1, 0.2])
for seed in range(6):
    pose_case(f"persons without keypoints {seed}", 4, 4, 6, [0.05, 0.1], unlabeled=0.7)
for seed in range(6):
    pose_case(f"crowds {seed}", 4, 4, 6, [0.05, 0.1], crowd=0.4)
for seed in range(6):
    pose_case(f"ties {seed}", 4, 3, 8, [0.05, 0.1], ties=True)
for seed in range(3):
    pose_case(f"coco persons {seed}", 2, 2, 4)
pose_case("more than twenty detections", 1, 3, 40, [0.05, 0.1])
pose_case("no detection", 2, 2, 0, [0.05, 0.1])
pose_case("no person", 2, 0, 3, [0.05, 0.1])
pose_case("all without keypoints", 3, 3, 5, [0.05, 0.1], unlabeled=1.0)
pose_case("exact", 3, 3, 5, [0.05, 0.1], noise=0.0)

# --- temporal mAP --------------------------------------------------------------------------------------------------
temporal = []


def temporal_map(videos):
    classes = sorted({c for v in videos for c in v["truth_classes"]})
    aps = []
    for c in classes:
        n = sum(v["truth_classes"].count(c) for v in videos)
        dets = [(s, v["id"], i, seg) for v in sorted(videos, key=lambda v: v["id"])
                for i, (seg, s, k) in enumerate(zip(v["said"], v["scores"], v["said_classes"])) if k == c]
        dets.sort(key=lambda d: -d[0])
        for t in THRESHOLDS:
            locked, tp = set(), []
            for _, vid, _, (a, b) in dets:
                v = next(v for v in videos if v["id"] == vid)
                over = []
                for j, ((x, y), k) in enumerate(zip(v["truth"], v["truth_classes"])):
                    if k == c:
                        inter = max(0.0, min(b, y) - max(a, x))
                        union = (b - a) + (y - x) - inter
                        over.append((inter / union if union > 0 else 0.0, j))
                hit = 0
                for iou, j in sorted(over, key=lambda o: -o[0]):
                    if iou < t:
                        break
                    if (vid, j) not in locked:
                        locked.add((vid, j))
                        hit = 1
                        break
                tp.append(hit)
            tp = np.array(tp)
            prec, rec = tp.cumsum() / np.arange(1, len(tp) + 1), tp.cumsum() / n
            mprec, mrec = np.r_[0, prec, 0], np.r_[0, rec, 1]
            for i in range(len(mprec) - 2, -1, -1):
                mprec[i] = max(mprec[i], mprec[i + 1])
            step = np.where(mrec[1:] != mrec[:-1])[0] + 1
            aps.append(((mrec[step] - mrec[step - 1]) * mprec[step]).sum())
    return np.mean(aps) if aps else None


def segment(length=100):
    a = rng.uniform(0, length)
    return [round(float(a), 2), round(float(a + rng.uniform(1, 30)), 2)]


def temporal_case(name, n_videos, n_gt, n_dt, n_classes, ties=False):
    videos = []
    for v in range(n_videos):
        truth = [segment() for _ in range(rng.integers(n_gt + 1) if n_gt else 0)]
        tc = [int(rng.integers(n_classes)) for _ in truth]
        said, sc, scores = [], [], []
        for _ in range(rng.integers(n_dt + 1) if n_dt else 0):
            if truth and rng.uniform() < 0.7:
                j = rng.integers(len(truth))
                a, b = np.array(truth[j]) + rng.normal(0, 1.5, 2)
                said.append([round(float(min(a, b)), 2), round(float(max(a, b)), 2)])
                sc.append(tc[j])
            else:
                said.append(segment())
                sc.append(int(rng.integers(n_classes)))
            scores.append(float(rng.integers(3)) if ties else round(float(rng.uniform()), 4))
        videos.append(dict(id=v, said=said, scores=scores, said_classes=sc, truth=truth, truth_classes=tc))
    temporal.append(dict(name=name, videos=videos, value=none(temporal_map(videos))))


for seed in range(34):
    temporal_case(f"random {seed}", 3, 5, 9, 1 + seed % 3)
for seed in range(6):
    temporal_case(f"ties {seed}", 3, 5, 9, 2, ties=True)
temporal_case("no detection", 2, 3, 0, 1)
temporal_case("no object", 2, 0, 3, 1)

# --- panoptic ------------------------------------------------------------------------------------------------------
panoptic = []


def panoptic_quality(images):
    stat = {}
    for im in images:
        t, s = np.array(im["truth"]), np.array(im["said"])
        gts = {g["id"]: g for g in im["true_segments"]}
        dts = {d["id"]: d for d in im["said_segments"]}
        matched_t, matched_s = set(), set()
        for gi, g in gts.items():
            for di, d in dts.items():
                if g["crowd"] or g["class"] != d["class"]:
                    continue
                inter = int(((t == gi) & (s == di)).sum())
                union = int((t == gi).sum() + (s == di).sum() - inter - ((t == 0) & (s == di)).sum())
                if inter and inter / union > 0.5:
                    stat.setdefault(g["class"], [0.0, 0, 0, 0])
                    stat[g["class"]][0] += inter / union
                    stat[g["class"]][1] += 1
                    matched_t.add(gi)
                    matched_s.add(di)
        for gi, g in gts.items():
            if gi not in matched_t and not g["crowd"] and (t == gi).any():
                stat.setdefault(g["class"], [0.0, 0, 0, 0])[3] += 1
        for di, d in dts.items():
            size = int((s == di).sum())
            if di in matched_s or size == 0:
                continue
            excused = int(((t == 0) & (s == di)).sum())
            excused += sum(int(((t == gi) & (s == di)).sum()) for gi, g in gts.items()
                           if g["crowd"] and g["class"] == d["class"])
            if excused / size > 0.5:
                continue
            stat.setdefault(d["class"], [0.0, 0, 0, 0])[2] += 1
    per = {c: [v[0] / (v[1] + v[2] / 2 + v[3] / 2), v[1], v[2], v[3]] for c, v in sorted(stat.items())}
    value = np.mean([v[0] for v in per.values()]) if per else None
    return none(value), [[c, *v] for c, v in per.items()]


def blobs(h, w, n, start):
    m = np.zeros((h, w), int)
    for i in range(n):
        y, x = rng.integers(h), rng.integers(w)
        m[y:y + rng.integers(2, h), x:x + rng.integers(2, w)] = start + i
    return m


def panoptic_case(name, n_images, n_classes, crowd=0.0, n=5):
    images = []
    for _ in range(n_images):
        t = blobs(8, 8, n, 1)
        s = t.copy()
        s[rng.uniform(size=s.shape) < 0.15] = 0
        over = blobs(8, 8, 1, n + 1)
        s[over > 0] = over[over > 0]
        true_segments = [dict(id=int(i), crowd=bool(rng.uniform() < crowd)) | {"class": int(rng.integers(n_classes))}
                         for i in range(1, n + 1)]
        said_segments = [dict(id=int(i), crowd=False)
                         | {"class": true_segments[i - 1]["class"] if i <= n and rng.uniform() < 0.85
                            else int(rng.integers(n_classes))} for i in range(1, n + 2)]
        images.append(dict(truth=t.ravel().tolist(), said=s.ravel().tolist(), true_segments=true_segments,
                           said_segments=said_segments))
    value, classes = panoptic_quality(images)
    panoptic.append(dict(name=name, images=images, value=value, classes=classes))


for seed in range(24):
    panoptic_case(f"random {seed}", 1 + seed % 3, 2 + seed % 2)
for seed in range(12):
    panoptic_case(f"crowds {seed}", 2, 2, crowd=0.4)
for seed in range(3):
    panoptic_case(f"one class {seed}", 1, 1, n=2)
panoptic_case("only crowds", 1, 1, crowd=1.0)
panoptic.append(dict(name="nothing", images=[], value=None, classes=[]))

# --- tracking ------------------------------------------------------------------------------------------------------
tracking = []


def iou(a, b):
    w = max(0.0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
    h = max(0.0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
    union = a[2] * a[3] + b[2] * b[3] - w * h
    return w * h / union if union > 0 else 0.0


def track_case(name, n_frames, n_objects, drop=0.15, extra=0.1, swap=0.1, noise=0.05):
    at = {o: np.array(box(60)) for o in range(1, n_objects + 1)}
    label = {o: 100 + o for o in at}
    frames, acc = [], mm.MOTAccumulator(auto_id=True)
    for _ in range(n_frames):
        truth, said = [], []
        if n_objects > 1 and rng.uniform() < swap:
            a, b = rng.choice(list(at), 2, replace=False)
            label[int(a)], label[int(b)] = label[int(b)], label[int(a)]
        for o in at:
            at[o] = at[o] + np.r_[rng.normal(0, 3, 2), 0, 0]
            if rng.uniform() < 0.9:
                truth.append((o, [round(float(v), 2) for v in at[o]]))
            if rng.uniform() > drop:
                said.append((label[o], near(at[o], noise)))
        if rng.uniform() < extra:
            said.append((999, box(60)))
        frames.append(dict(truth=truth, said=said))
        far = np.array([[1 - iou(t, s) for _, s in said] for _, t in truth]).reshape(len(truth), len(said))
        acc.update([i for i, _ in truth], [i for i, _ in said], np.where(far > 0.5, np.nan, far))
    m = mm.metrics.create().compute(acc, name="x", metrics=[
        "mota", "motp", "idf1", "idp", "idr", "num_objects", "num_misses", "num_false_positives", "num_switches"])
    row = m.iloc[0]
    motp = none(row["motp"])
    tracking.append(dict(name=name, frames=frames, mota=float(row["mota"]), motp=None if motp is None else 1 - motp,
                         idf1=none(row["idf1"]), idp=none(row["idp"]), idr=none(row["idr"]),
                         counts=[int(row[c]) for c in
                                 ("num_objects", "num_misses", "num_false_positives", "num_switches")]))


for seed in range(30):
    track_case(f"random {seed}", 8, 1 + seed % 4)
for seed in range(6):
    track_case(f"many switches {seed}", 8, 3, swap=0.6, drop=0.05)
for seed in range(6):
    track_case(f"poor boxes {seed}", 8, 3, noise=0.2)
track_case("nothing said", 4, 2, drop=1.0, extra=0.0)

versions = dict(python=platform.python_version(), pycocotools="2.0.11", numpy=np.__version__, motmetrics=mm.__version__)
out = pathlib.Path(__file__).with_name("detect.json")
out.write_text(json.dumps(dict(versions=versions, coco=coco, temporal=temporal, panoptic=panoptic, tracking=tracking),
                          separators=(",", ":")) + "\n")
out = pathlib.Path(__file__).with_name("oks.json")
out.write_text(json.dumps(dict(versions=versions, poses=poses), separators=(",", ":")) + "\n")
