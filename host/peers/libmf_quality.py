"""LIBMF from a ratings file to a model: seconds, and RMSE on the ratings that `host train` holds back.

    cargo run -p host -- train --data target/synth --write-split target/split
    python host/peers/libmf_quality.py --data target/synth/ratings.csv --held target/split/validation.u32

Needs libmf (see libmf_epoch.py), polars and numpy. The file is parsed by polars.
"""

import argparse
import json
import time

import numpy
import polars
from libmf import mf

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--held", required=True, help="numbers of the ratings held back, u32")
parser.add_argument("--passes", type=int, default=20)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--l1", type=float, default=0.0)
parser.add_argument("--l2", type=float, default=0.04)
args = parser.parse_args()

held = numpy.fromfile(args.held, dtype="<u4")
start = time.perf_counter()
table = polars.read_csv(args.data)
columns = []
for name in table.columns[:2]:
    values = table[name].to_numpy()
    rows = numpy.zeros(values.max() + 1, dtype="i4")
    rows[values] = 1
    rows = numpy.cumsum(rows, dtype="i4") - 1
    columns.append(rows[values])
ratings = numpy.empty((len(table), 3), dtype="f4")
ratings[:, 0], ratings[:, 1], ratings[:, 2] = columns[0], columns[1], table[table.columns[2]].to_numpy()
known = numpy.ones(len(table), dtype=bool)
known[held] = False
train, test = ratings[known], ratings[held]
penalties = {"lambda_p1": args.l1, "lambda_q1": args.l1, "lambda_p2": args.l2, "lambda_q2": args.l2}
model = mf.MF(k=8, nr_iters=args.passes, nr_threads=args.threads, quiet=True, **penalties)
model.fit(train)
seconds = time.perf_counter() - start
p, q = model.p_factors(), model.q_factors()
users, movies = test[:, 0].astype("i4"), test[:, 1].astype("i4")
# A row that no rating trained is not a number: such pairs get the mean.
users_known, movies_known = numpy.minimum(users, len(p) - 1), numpy.minimum(movies, len(q) - 1)
predicted = (p[users_known] * q[movies_known]).sum(1)
predicted[(users >= len(p)) | (movies >= len(q)) | ~numpy.isfinite(predicted)] = train[:, 2].mean(dtype="f8")
rmse = float(numpy.sqrt(numpy.mean((numpy.clip(predicted, 0.5, 5) - test[:, 2]).astype("f8") ** 2)))
print(json.dumps({"seconds": seconds, "rmse": rmse}))
