"""A pass of LIBMF over the ratings, for `host bench train --peers=libmf`; needs libmf and numpy.

8 factors and LIBMF's defaults. The time of 6 passes less that of 1, over 5: taking the ratings over and sorting them into
blocks is left out. Its package is built without the processor's vectors unless told:

    CFLAGS="-O3 -march=native -DUSEAVX" pip install --no-binary :all: libmf
"""

import time
from importlib import metadata

import numpy
from libmf import mf

import epoch

args = epoch.arguments()
columns = epoch.rows(args)
ratings = numpy.column_stack([column.astype("f4") for column in columns])


def fit(passes):
    start = time.perf_counter()
    mf.MF(k=8, nr_iters=passes, nr_threads=args.threads, quiet=True).fit(ratings)
    return time.perf_counter() - start


once = fit(1)
epoch.tell(f"LIBMF {metadata.version('libmf')}, 8 factors", (fit(6) - once) / 5)
