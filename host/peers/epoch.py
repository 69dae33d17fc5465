"""What the scripts of `host bench train --peers` share: their arguments, the rows, and the line that they end with."""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy


def arguments(**more):
    """The shape of the work, as the bench gives it; `more` are options of one script and their defaults."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=Path, required=True, help="folder with users.u32, movies.u32 and stars.f32")
    parser.add_argument("--users", type=int, default=138_493)
    parser.add_argument("--movies", type=int, default=26_744)
    parser.add_argument("--ratings", type=int, default=19_000_250)
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=300, help="steps to time, at most")
    for name, default in more.items():
        parser.add_argument(f"--{name}", default=default)
    return parser.parse_args()


def rows(args, count=None):
    """Columns of the first `count` ratings: users, movies, stars."""
    names = [("users.u32", "<u4"), ("movies.u32", "<u4"), ("stars.f32", "<f4")]
    return [numpy.fromfile(args.rows / name, dtype=kind, count=-1 if count is None else count) for name, kind in names]


def whole_steps(args):
    """The steps to time: whole batches, no more than there are."""
    return max(1, min(args.steps, args.ratings // args.batch))


def timed(args, step, warm_up=20):
    """Seconds of an epoch: the median over `step(i)`, i below `whole_steps`, times the steps of an epoch."""
    times = []
    for i in range(whole_steps(args)):
        start = time.perf_counter()
        step(i)
        times.append(time.perf_counter() - start)
    kept = times[warm_up:] if len(times) > 2 * warm_up else times
    return statistics.median(kept) * args.ratings / args.batch


def tell(who, seconds):
    print(json.dumps({"who": who, "seconds": seconds}), flush=True)
