"""DuckDB reading a ratings file, for `host bench train --peers=duckdb`; needs duckdb.

A CSV file or a Parquet file, told by its name, into a table in memory. Nothing is fingerprinted, and ids stay as they
are unless --dense asks for row numbers of users and movies in their place.
"""

import argparse
import json
import time

import duckdb

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--dense", action="store_true")
asked = parser.parse_args()
read = "read_parquet" if asked.data.endswith(".parquet") else "read_csv"
columns, tables, numbered = "*", "ratings", []
if asked.dense:
    columns = "users.row as user, movies.row as movie, rating, timestamp"
    tables += " join users using (userId) join movies using (movieId)"
    numbered = [("users", "userId"), ("movies", "movieId")]
database = duckdb.connect()
start, processor = time.perf_counter(), time.process_time()
database.execute(f"create table ratings as select * from {read}(?)", [asked.data])
for table, id in numbered:
    database.execute(
        f"create table {table} as select {id}, row_number() over (order by {id}) - 1 as row "
        f"from (select distinct {id} from ratings)"
    )
if asked.dense:
    database.execute(f"create table dense as select {columns} from {tables}")
seconds, processor = time.perf_counter() - start, time.process_time() - processor
who = f"DuckDB {duckdb.__version__}, {read}" + ", ids made dense" * asked.dense
print(json.dumps({"who": who, "seconds": seconds, "processor": processor}))
