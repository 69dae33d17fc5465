"""Measures Surprise's models on folds that `host evaluate --write-folds FOLDER` wrote, or on ML-100K's own.

    cargo run -p host -- evaluate --write-folds target/folds
    python -m venv target/surprise
    target/surprise/bin/pip install "numpy<2" scikit-surprise
    target/surprise/bin/python host/peers/surprise_folds.py target/folds

Every model has Surprise's defaults. Predictions are clipped to the rating scale, as Surprise does by itself.
"""

import math
import sys
import time
from pathlib import Path

import surprise


def ratings(path):
    with open(path) as lines:
        for line in lines:
            user, movie, stars, _ = line.split("\t")
            yield user, movie, float(stars)


def main(folder):
    folds = []
    for base in sorted(Path(folder).glob("u[1-9].base")):
        train = [(u, m, s, None) for u, m, s in ratings(base)]
        test = list(ratings(base.with_suffix(".test")))
        folds.append((train, test))
    stars = [row[2] for train, _ in folds for row in train]
    reader = surprise.Reader(rating_scale=(min(stars), max(stars)))
    models = {
        "BaselineOnly": lambda: surprise.BaselineOnly(verbose=False),
        "SVD": lambda: surprise.SVD(random_state=0),
        "KNNBaseline": lambda: surprise.KNNBaseline(verbose=False),
        "SVD++": lambda: surprise.SVDpp(random_state=0),
    }
    print(f"Surprise {surprise.__version__}, {len(folds)} folds of {folder}")
    for name, build in models.items():
        errors, clock = [], time.time()
        for train, test in folds:
            data = surprise.Dataset(reader)
            data.raw_ratings = train
            model = build().fit(data.construct_trainset(train))
            off = [model.predict(u, m).est - s for u, m, s in test]
            rmse = math.sqrt(sum(e * e for e in off) / len(off))
            mae = sum(abs(e) for e in off) / len(off)
            errors.append((rmse, mae))
        rmse, mae = (sum(column) / len(errors) for column in zip(*errors))
        seconds = time.time() - clock
        each = "  ".join(f"{r:.4f} {m:.4f}" for r, m in errors)
        print(f"{name:14} RMSE {rmse:.4f}  MAE {mae:.4f}  {seconds:6.1f} s  | {each}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
