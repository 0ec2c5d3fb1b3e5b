"""What people use for tables today, one model a task, each with the same small budget of settings.

Usage: peers.py DIR OUT
DIR holds the files of data.py. Writes to OUT a JSON line for each task and peer, with the predictions for validation and
test of the setting that was best on validation, and the seconds that all settings took together.

Five peers, four settings each: scikit-learn's linear models, its forests (random and extremely randomized), its histogram
boosting, LightGBM and CatBoost; the three boosters have settings that match. Whoever can stops early, on the same validation
rows that choose the setting. Nobody is trained again on training and validation rows together, on either side.
Each gets a column as it can use it best: linear models scaled numbers, marks of what is missing and a column for each
category; forests codes; boosting what it does with categories and gaps by itself.
"""

import json
import pathlib
import sys
import time
import warnings

import catboost
import lightgbm
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (ExtraTreesClassifier, ExtraTreesRegressor, HistGradientBoostingClassifier,
                              HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

THREADS, SEED, STEPS, PATIENCE = 2, 0, 1000, 50
warnings.filterwarnings("ignore")  # of rare categories and of small iteration counts, dozens a second


class Part:
    """Inputs of the rows that have a label, and the labels; all rows for prediction."""

    def __init__(self, inputs, labels):
        known = np.array([label is not None for label in labels])
        self.inputs, self.x = inputs, inputs[known].reset_index(drop=True)
        self.y = np.array([label for label in labels if label is not None])


def columns(numbers, texts):
    texts_of = make_column_selector(dtype_include="category")
    return make_column_transformer((texts, texts_of), (numbers, make_column_selector(dtype_exclude="category")))


def linear(number):
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    prepare = columns(numbers, OneHotEncoder(handle_unknown="ignore", min_frequency=2))
    for strength in (0.01, 0.1, 1.0, 10.0):
        # 1 / C is alpha; a ridge's is of a sum of squares and wants larger steps.
        model = Ridge(alpha=10 * strength) if number else LogisticRegression(C=strength, max_iter=500)
        pipeline = make_pipeline(prepare, model)
        yield {"strength": strength}, lambda train, _, pipeline=pipeline: pipeline.fit(train.x, train.y)


def forest(number):
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    prepare = columns(SimpleImputer(strategy="median"), codes)
    kinds = (RandomForestRegressor, ExtraTreesRegressor) if number else (RandomForestClassifier, ExtraTreesClassifier)
    for kind in kinds:
        for features, leaf in (("sqrt", 1), (0.5, 3)):
            settings = {"max_features": features, "min_samples_leaf": leaf}
            model = kind(n_estimators=300, n_jobs=THREADS, random_state=SEED, **settings)
            pipeline = make_pipeline(prepare, model)
            yield {"kind": kind.__name__, **settings}, lambda train, _, fitted=pipeline: fitted.fit(train.x, train.y)


def rates_and_sizes():
    """Settings of all three boosters: step and size of a tree; the smaller leaves are for small tables."""
    return [(rate, size) for rate in (0.03, 0.1) for size in ("small", "large")]


def histogram(number):
    kind = HistGradientBoostingRegressor if number else HistGradientBoostingClassifier
    for rate, size in rates_and_sizes():
        settings = {"learning_rate": rate, **({"small": {"max_leaf_nodes": 8, "min_samples_leaf": 5},
                                               "large": {"max_leaf_nodes": 31, "min_samples_leaf": 20}}[size])}
        model = kind(max_iter=STEPS, early_stopping=True, n_iter_no_change=PATIENCE, random_state=SEED, **settings)
        yield settings, lambda train, held, model=model: model.fit(train.x, train.y, X_val=held.x, y_val=held.y)


def light(number):
    kind = lightgbm.LGBMRegressor if number else lightgbm.LGBMClassifier
    for rate, size in rates_and_sizes():
        settings = {"learning_rate": rate, **({"small": {"num_leaves": 8, "min_child_samples": 5},
                                               "large": {"num_leaves": 31, "min_child_samples": 20}}[size])}
        model = kind(n_estimators=STEPS, n_jobs=THREADS, random_state=SEED, verbosity=-1, **settings)
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        yield settings, lambda train, held, model=model, stop=stop: model.fit(
            train.x, train.y, eval_set=[(held.x, held.y)], callbacks=[stop])


def cat(number):
    kind = catboost.CatBoostRegressor if number else catboost.CatBoostClassifier
    for rate, size in rates_and_sizes():
        settings = {"learning_rate": rate, "depth": {"small": 4, "large": 6}[size]}
        model = kind(iterations=STEPS, thread_count=THREADS, random_seed=SEED, verbose=False, allow_writing_files=False,
                     **settings)
        yield settings, lambda train, held, model=model: model.fit(
            as_texts(train.x), train.y, cat_features=list(train.x.select_dtypes("category")),
            eval_set=(as_texts(held.x), held.y), early_stopping_rounds=PATIENCE)


def as_texts(frame):
    """CatBoost takes categories as texts, and no gap among them."""
    texts = {name: frame[name].astype(object).fillna("") for name in frame.select_dtypes("category")}
    return frame.assign(**texts)


PEERS = {"linear": linear, "forest": forest, "histogram boosting": histogram, "LightGBM": light, "CatBoost": cat}


def answers(model, inputs, task):
    """Numbers, probabilities of yes, or a list of probabilities in the order of the task's classes."""
    if isinstance(model, (catboost.CatBoostRegressor, catboost.CatBoostClassifier)):
        inputs = as_texts(inputs)
    if task["kind"] == "number":
        return model.predict(inputs)
    said = model.predict_proba(inputs)
    if task["kind"] == "yes-no":
        return said[:, 1]
    known = np.zeros((len(said), len(task["classes"])))
    known[:, np.asarray(model.classes_, dtype=int)] = said
    return known


def score(task, held, said):
    """Of validation, better when more: what chooses a setting."""
    if task["kind"] == "number":
        return -float(np.sqrt(np.mean((held.y - said) ** 2)))
    if task["kind"] == "yes-no":
        return float(roc_auc_score(held.y, said)) if len(set(held.y)) == 2 else 0.5
    return float(accuracy_score(held.y, said.argmax(axis=1)))


def best(peer, task, train, held, test):
    start, found = time.perf_counter(), None
    for settings, fit in peer(task["kind"] == "number"):
        try:
            model = fit(train, held)
        except Exception as error:  # a setting that cannot be trained on so few rows is one try less
            print(f"{task['name']}: {settings}: {error}", file=sys.stderr)
            continue
        said = answers(model, held.inputs, task)
        value = score(task, held, said[[at for at, y in enumerate(task["validation"]) if y is not None]])
        if found is None or value > found[0]:
            found = (value, settings, said, answers(model, test, task))
    if found is None:
        return None
    _, settings, validation, test = found
    return {"settings": settings, "seconds": time.perf_counter() - start, "validation": np.round(validation, 7).tolist(),
            "test": np.round(test, 7).tolist()}


def inputs_of(dir, tasks):
    """The three tables without the targets; texts are categories of the training rows, a strange one is unknown."""
    drop = [task["name"] for task in tasks]
    parts = [pd.read_csv(dir / f"{part}.csv") for part in ("train", "validation", "test")]
    labels = [part[drop] for part in parts]
    parts = [part.drop(columns=drop) for part in parts]
    for name in parts[0].columns:
        if not pd.api.types.is_numeric_dtype(parts[0][name]):
            kinds = pd.CategoricalDtype(sorted(parts[0][name].dropna().astype(str).unique()))
            for part in parts:
                part[name] = part[name].where(part[name].isna(), part[name].astype(str)).astype(kinds)
    return parts, labels[0]


def main(dir, out):
    tasks = json.loads((dir / "truth.json").read_text())["tasks"]
    (train, held, test), labels = inputs_of(dir, tasks)
    partial = out.with_name(out.name + ".partial")
    with partial.open("w") as lines:
        for task in tasks:
            known = Part(train, task_labels(task, labels[task["name"]]))
            for name, peer in PEERS.items():
                if found := best(peer, task, known, Part(held, task["validation"]), test):
                    lines.write(json.dumps({"task": task["name"], "peer": name, **found}) + "\n")
    partial.rename(out)


def task_labels(task, labels):
    """Training labels as `truth.json` has the others."""
    if task["kind"] == "number":
        known = labels.astype(float)
    elif task["kind"] == "yes-no":
        as_written = labels.map(lambda y: str(int(y)) if isinstance(y, (int, float)) and y == y else str(y))
        known = (as_written == task["positive"]).astype(float)
    else:
        known = labels.astype(str).map({name: at for at, name in enumerate(task["classes"])})
    return [None if gap else value for value, gap in zip(known, labels.isna())]


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
