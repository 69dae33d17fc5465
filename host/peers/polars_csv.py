"""polars reading a ratings file, for `host bench train --peers=polars`; needs polars.

It stops at four columns of numbers: ids are not made dense and nothing is fingerprinted.
"""

import argparse
import json
import time

import polars

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
path = parser.parse_args().data
start = time.perf_counter()
table = polars.read_csv(path)
seconds = time.perf_counter() - start
assert table.width == 4, table.schema
print(json.dumps({"who": f"polars {polars.__version__}, read_csv", "seconds": seconds}))
