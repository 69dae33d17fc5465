"""Speed of Gibbs samplers on the same ratings in one run: ours, myFM's and SMURFF's, by turns.

    cargo run -p host -- synth --shape ml-1m --out target/million
    pip install myfm smurff numpy scipy
    python host/peers/samplers.py --data target/million --host target/debug/host

Rows have 16 numbers: ours 15 and a bias, myFM's rank 15 and a bias, SMURFF's 16. A sweep's time is that of a long run less
that of a short one, over the sweeps between them, so that reading, lists and files don't count; wall time and processor
time both. SMURFF has no biases and no noise a user, so it does less a sweep.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path, required=True, help="folder with ratings.csv")
parser.add_argument("--host", default="target/debug/host")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--kernel", help="path of ours; the best by default")
parser.add_argument("--peer", choices=["myfm", "smurff"], help="only this one, for so many sweeps: as a process of its own")
parser.add_argument("--sweeps", type=int)
args = parser.parse_args()


def columns():
    import numpy

    table = numpy.loadtxt(args.data / "ratings.csv", delimiter=",", skiprows=1, usecols=(0, 1, 2), dtype="f4")
    rows = [numpy.unique(table[:, at].astype("i4"), return_inverse=True)[1] for at in (0, 1)]
    return rows[0], rows[1], table[:, 2]


def myfm_sweeps(sweeps):
    import myfm
    import numpy
    import scipy.sparse

    users, movies, stars = columns()
    width, count = users.max() + movies.max() + 2, len(stars)
    places = numpy.stack([users, users.max() + 1 + movies], 1).ravel()
    table = scipy.sparse.csr_matrix((numpy.ones(2 * count), places, numpy.arange(0, 2 * count + 1, 2)), (count, width))
    groups = [users.max() + 1, movies.max() + 1]
    model = myfm.MyFMRegressor(rank=15, random_seed=1)
    model.fit(table, stars.astype("f8"), n_iter=sweeps, n_kept_samples=1, group_shapes=groups)


def smurff_sweeps(sweeps):
    import scipy.sparse
    import smurff

    users, movies, stars = columns()
    table = scipy.sparse.coo_matrix((stars.astype("f8"), (users, movies)))
    few = scipy.sparse.coo_matrix((stars[:9].astype("f8"), (users[:9], movies[:9])), shape=table.shape)
    session = smurff.TrainSession(
        priors=["normal", "normal"], num_latent=16, burnin=sweeps - 1, nsamples=1, num_threads=args.threads, verbose=0
    )
    session.addTrainAndTest(table, few, smurff.AdaptiveNoise())
    session.run()


def seconds(command):
    """Wall and processor seconds."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - start, used


def main():
    folder = tempfile.mkdtemp()
    ours = [args.host, "train", "--data", args.data, "--out", folder, "--dim", "8", "--threads", str(args.threads)]
    ours += ["--kernel", args.kernel] if args.kernel else []
    peer = [sys.executable, __file__, "--data", args.data, "--threads", str(args.threads), "--peer"]
    whos = {
        "pocketrec": (lambda n: [*ours, "--sweeps", str(n)], (20, 100)),
        "myFM": (lambda n: [*peer, "myfm", "--sweeps", str(n)], (2, 7)),
        "SMURFF": (lambda n: [*peer, "smurff", "--sweeps", str(n)], (3, 13)),
    }
    count = sum(1 for _ in open(args.data / "ratings.csv")) - 1
    found = {who: [] for who in whos}
    for _ in range(args.rounds):
        for who, (command, (few, many)) in whos.items():
            pairs = zip(seconds(command(many)), seconds(command(few)))
            found[who].append([(a - b) / (many - few) for a, b in pairs])
    for who, sweeps in found.items():
        wall, used = (statistics.median(each) for each in zip(*sweeps))
        line = {"who": who, "ratings": count, "wall": wall, "processor": used}
        print(json.dumps({**line, "rating_sweeps_per_second": count / wall, "per_processor_second": count / used}))


if args.peer:
    {"myfm": myfm_sweeps, "smurff": smurff_sweeps}[args.peer](args.sweeps)
else:
    main()
