"""DuckDB reading a ratings file, for `host bench train --peers=duckdb`; needs duckdb.

Into a table in memory. Ids are not made dense and nothing is fingerprinted.
"""

import argparse
import json
import time

import duckdb

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
path = parser.parse_args().data
database = duckdb.connect()
start = time.perf_counter()
database.execute("create table ratings as select * from read_csv(?)", [path])
seconds = time.perf_counter() - start
print(json.dumps({"who": f"DuckDB {duckdb.__version__}, read_csv", "seconds": seconds}))
