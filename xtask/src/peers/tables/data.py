"""The tables of `--only tables` as a user would have them: three CSV files a seed, and beside them what scoring needs.

Usage: data.py SET SEED SOURCE DEST [dev]
SOURCE is the folder of the set's files, the package that holds them or, for Census-Income, the cached folder.

A fifth of the rows tests and a fifth of the rest, 20,000 rows at most, validates; both are drawn by SEED. Census-Income
comes with a test part of its own. Nothing is prepared that would make it easier for one side: numbers are written as the
source has them, categories as texts, an unknown cell as an empty one. Two things are undone, since no user has them:
categories that a package spread over columns of 0 and 1 are one column again, and a target's name is one that can name a task.

With `dev` the rows that SEED tests on are left out, and of the others, 24,000 at most, a quarter takes their part: what a setting of ours
may be chosen by.

`truth.json` holds the tasks with the labels of validation and test (null where there is none), the mean of the training
labels of numbers, and the places of the test rows in the whole table: a row that tests in two seeds is one row.
"""

import io
import json
import pathlib
import re
import sys
import tarfile
import zipfile

import numpy as np
import pandas as pd

VALIDATION_ROWS = 20_000
DEV_ROWS = 24_000


def member(archive, end):
    """The bytes of the one member of an archive whose path ends so; inside a zip inside it, of the only file."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as files:
            data = files.read(next(name for name in files.namelist() if name.endswith(end)))
    else:
        with tarfile.open(archive) as files:
            data = files.extractfile(next(name for name in files.getnames() if name.endswith(end))).read()
    if end.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as files:
            data = files.read(files.namelist()[0])
    return io.BytesIO(data)


def arff(path):
    """Dense or sparse ARFF; nominal columns stay texts."""
    names, numeric, rows = [], [], []
    lines = iter(path.read_text(encoding="latin-1").splitlines())
    for line in lines:
        if found := re.match(r"""@attribute\s+("[^"]*"|'[^']*'|\S+)\s+(.*)""", line, re.I):
            names.append(found[1].strip("'\""))
            numeric.append(found[2].strip().lower() in ("numeric", "real", "integer"))
        if line.lower().startswith("@data"):
            break
    for line in lines:
        cells = [cell.strip() for cell in line.split(",")]
        if line.startswith("{"):
            pairs = dict(cell.strip("{} ").split() for cell in cells if cell.strip("{} "))
            cells = [pairs.get(str(at), "0") for at in range(len(names))]
        if line.strip() and not line.startswith("%"):
            rows.append(cells[: len(names)])  # lines of some files end in a comma
    frame = pd.DataFrame(rows, columns=names).replace("?", None)
    for name, is_number in zip(names, numeric):
        frame[name] = pd.to_numeric(frame[name]) if is_number else frame[name].str.strip("'\"")
    return frame


def gathered(frame, prefixes):
    """Columns of 0 and 1 called `prefix_value`, as one column of values."""
    for prefix in prefixes:
        columns = [name for name in frame.columns if name.startswith(prefix + "_")]
        values = frame[columns].idxmax(axis=1).str[len(prefix) + 1 :]
        frame = frame.drop(columns=columns).assign(**{prefix: values})
    return frame


def multi_target(source, name, targets):
    frame = arff(source / f"{name}.arff")
    return frame, list(frame.columns[-targets:])


def multi_label(source, name, targets):
    whole = source / name / f"{name}.arff"
    parts = [whole] if whole.exists() else [source / name / f"{name}-{part}.arff" for part in ("train", "test")]
    frame = pd.concat([arff(part) for part in parts], ignore_index=True)
    return frame, list(frame.columns[-targets:])


def many_tasks(source, name, target):
    return pd.read_csv(source / f"{name}.csv"), [target]


def census(source):
    parts = [
        pd.read_csv(source / f"census_income_1994_1995_{part}.csv", header=None, skipinitialspace=True)
        for part in ("train", "test")
    ]
    frame = pd.concat(parts, ignore_index=True)
    frame.columns = [f"c{at}" for at in range(frame.shape[1])]
    income = frame.pop("c41").str.startswith("50000+").map({True: "yes", False: "no"})
    never_married = (frame.pop("c7") == "Never married").map({True: "yes", False: "no"})
    frame = frame.drop(columns="c24").assign(income=income, never_married=never_married)  # c24: how many a row stands for
    return frame, ["income", "never_married"], np.arange(len(parts[0]), len(frame))


def adult(source):
    frame = pd.read_csv(member(source, "adult.csv.zip"))
    spread = ["workclass", "education", "marital-status", "occupation", "relationship", "race", "sex", "native-country"]
    # `education-num` stands first and is no part of `education`.
    return gathered(frame, [*spread, "salary"]), ["salary", "occupation"]


def credit(source):
    frame = pd.read_csv(member(source, "UCI_Credit_Card.csv")).drop(columns="ID")
    return gathered(frame, ["EDUCATION", "MARRIAGE"]), ["default-payment-next-month"]


def german(source):
    return pd.read_csv(member(source, "german_credit.csv")), ["credit_risk"]


def flights(source):
    """A fifth of the year's flights with the weather at their planned hour; labels of cancelled ones are not known."""
    frame = pd.read_csv(member(source, "flights.csv.zip")).sample(60_000, random_state=0)
    weather = pd.read_csv(member(source, "weather.csv"))
    keys = ["origin", "time_hour"]
    weather = weather.drop(columns=["year", "month", "day", "hour"]).drop_duplicates(keys)
    frame = frame.merge(weather, on=keys, how="left")
    for side in ("dep", "arr"):
        delay = frame[f"{side}_delay"]
        frame[f"{side}_late"] = np.where(delay.isna(), None, np.where(delay > 15, "yes", "no"))
    known_later = ["dep_time", "arr_time", "dep_delay", "arr_delay"]
    frame = frame.drop(columns=[*known_later, "year", "flight", "tailnum", "time_hour"])
    return frame, ["dep_late", "arr_late", "air_time"]


def read(name, source):
    """The table, its targets, and the rows that test if the set says which."""
    targets = {"andro": 6, "atp1d": 6, "edm": 2, "enb": 2, "jura": 3, "osales": 12, "sf2": 3, "slump": 3}
    labels = {"emotions": 6, "flags": 7, "scene": 6}
    if name in targets:
        return *multi_target(source, name, targets[name]), None
    if name in labels:
        return *multi_label(source, name, labels[name]), None
    if name == "census":
        return census(source)
    if name in ("school", "landmine"):
        return *many_tasks(source, name, {"school": "score", "landmine": "mine"}[name]), None
    archive = next(path for path in source.iterdir() if path.suffix in (".whl", ".gz"))
    return *{"adult": adult, "credit": credit, "german": german, "flights": flights}[name](archive), None


def kind(labels):
    """Two different labels are yes or no, yes being the rarer one unless they are 0 and 1; texts are classes."""
    known = labels.dropna()
    counts = known.value_counts()
    if len(counts) == 2:
        one = {0, 1} == set(counts.index) or {"0", "1"} == set(counts.index)
        return {"kind": "yes-no", "positive": "1" if one else str(counts.index[-1])}
    if pd.api.types.is_numeric_dtype(known):
        return {"kind": "number"}
    return {"kind": "classes", "classes": sorted(map(str, counts.index))}


def truth(task, labels):
    """Labels as scoring wants them: 1 and 0, numbers, places in `classes`; null where there is none."""
    if task["kind"] == "number":
        values = labels.astype(float)
    elif task["kind"] == "yes-no":
        values = (labels.astype(str) == task["positive"]).astype(float)
    else:
        values = labels.astype(str).map({name: at for at, name in enumerate(task["classes"])}).astype(float)
    return [None if missing else value for value, missing in zip(values, labels.isna())]


def main(name, seed, source, dest, dev):
    frame, targets, tests = read(name, source)
    names = {target: re.sub(r"[^A-Za-z0-9_-]+", "_", target).strip("_") for target in targets}
    frame = frame.rename(columns=names)
    for column in frame.select_dtypes("float"):
        if (frame[column].dropna() % 1 == 0).all():
            frame[column] = frame[column].astype("Int64")  # else written as `3.0` where cells are empty
    rng = np.random.default_rng(seed)
    if tests is None:
        tests = np.sort(rng.permutation(len(frame))[: len(frame) // 5])
    rest = rng.permutation(np.setdiff1d(np.arange(len(frame)), tests))
    if dev:
        rest = rest[:DEV_ROWS]
        tests, rest = np.sort(rest[: len(rest) // 4]), rest[len(rest) // 4 :]
    held = min(len(rest) // 5, VALIDATION_ROWS)
    parts = {"train": rest[held:], "validation": rest[:held], "test": tests}
    for part, rows in parts.items():
        frame.iloc[rows].to_csv(dest / f"{part}.csv", index=False)
    tasks = []
    for target in names.values():
        task = {"name": target, **kind(frame[target])}
        if task["kind"] == "number":
            task["mean"] = float(frame[target].iloc[parts["train"]].astype(float).mean())
        for part in ("validation", "test"):
            task[part] = truth(task, frame[target].iloc[parts[part]])
        tasks.append(task)
    (dest / "truth.json").write_text(json.dumps({"tasks": tasks, "test_rows": tests.tolist()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4]), "dev" in sys.argv[5:])
