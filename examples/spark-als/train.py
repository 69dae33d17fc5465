"""Factorises ratings by Spark's ALS, on as many machines as the master has.

    python train.py --ratings ratings.parquet --out out --master 'local-cluster[2,1,1024]'

OUT/model is what ALSModel.save writes and OUT/predictions what it predicts of ratings that were held out: `host import` takes
both.
"""

import argparse
import sys

from pyspark.errors import AnalysisException
from pyspark.ml.evaluation import RegressionEvaluator
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession

SEED = 1
HELD_OUT = 0.1


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratings", required=True, help="Parquet: a file or a folder with userId, movieId and rating")
    parser.add_argument("--out", required=True, help="folder that all machines see; what is there is replaced")
    parser.add_argument("--master", default="local[*]", help="where Spark runs")
    parser.add_argument("--rank", type=int, default=8, help="numbers a row; boards' usual firmware takes 8")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--regularisation", type=float, default=0.1)
    return parser.parse_args()


def main():
    args = arguments()
    session = SparkSession.builder.appName("pocketrec").master(args.master)
    spark = session.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    # Every ten rounds: a lineage of hundreds of joins would be worked off anew where an executor ends.
    spark.sparkContext.setCheckpointDir(f"{args.out}/rounds")
    try:
        ratings = spark.read.parquet(args.ratings).select("userId", "movieId", "rating")
    except AnalysisException as error:
        sys.exit(f"--ratings {args.ratings}: {error.getMessage()}")
    train, held_out = ratings.randomSplit([1 - HELD_OUT, HELD_OUT], SEED)
    als = ALS(
        userCol="userId",
        itemCol="movieId",
        ratingCol="rating",
        rank=args.rank,
        maxIter=args.rounds,
        regParam=args.regularisation,
        seed=SEED,
        # Rows of whom training never saw have no prediction.
        coldStartStrategy="drop",
    )
    model = als.fit(train)
    predictions = model.transform(held_out).cache()
    error = RegressionEvaluator(labelCol="rating", predictionCol="prediction").evaluate(predictions)
    workers = spark.sparkContext._jsc.sc().statusTracker().getExecutorInfos()
    # The driver is among them.
    print(f"Spark {spark.version}, executors beside the driver: {len(workers) - 1}")
    print(f"RMSE {error:.4f} of {predictions.count()} ratings held out")
    model.write().overwrite().save(f"{args.out}/model")
    table = predictions.selectExpr("userId AS user", "movieId AS movie", "prediction")
    table.write.mode("overwrite").parquet(f"{args.out}/predictions")
    print(f"wrote {args.out}/model and {args.out}/predictions")
    spark.stop()


if __name__ == "__main__":
    main()
