"""polars reading a ratings file, for `host bench train --peers=polars`; needs polars.

A CSV file or a Parquet file, told by its name. It stops at four columns of numbers: nothing is fingerprinted, and
ids stay as they are unless --dense asks for row numbers of users and movies in their place.
"""

import argparse
import json
import time

import polars

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--dense", action="store_true")
asked = parser.parse_args()
read = "read_parquet" if asked.data.endswith(".parquet") else "read_csv"
start, processor = time.perf_counter(), time.process_time()
table = getattr(polars, read)(asked.data)
assert table.width == 4, table.schema
if asked.dense:
    table = table.with_columns(polars.col(id).rank("dense") - 1 for id in ("userId", "movieId"))
seconds, processor = time.perf_counter() - start, time.process_time() - processor
who = f"polars {polars.__version__}, {read}" + ", ids made dense" * asked.dense
print(json.dumps({"who": who, "seconds": seconds, "processor": processor}))
