"""An epoch of the lesson's network by Keras's `fit`, for `host bench train --peers=keras`; needs keras, tensorflow, numpy.

Dense Adam, as in the lesson. `fit` over some batches after one warm-up, times the number of batches: shuffling those few
is in it, validation is not.
"""

import os
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import tensorflow

import epoch

args = epoch.arguments()
tensorflow.config.threading.set_intra_op_parallelism_threads(args.threads)
tensorflow.config.threading.set_inter_op_parallelism_threads(args.threads)

user, movie = keras.Input((), dtype="int32"), keras.Input((), dtype="int32")
rows = [keras.layers.Embedding(args.users, 8)(user), keras.layers.Embedding(args.movies, 8)(movie)]
x = keras.layers.Concatenate()(rows)
x = keras.layers.Dense(32, activation="relu")(x)
x = keras.layers.Dense(4, activation="relu")(x)
model = keras.Model([user, movie], keras.layers.Dense(1)(x))
model.compile(optimizer=keras.optimizers.Adam(0.005), loss="mse")

steps = epoch.whole_steps(args)
users, movies, stars = epoch.rows(args, steps * args.batch)
users, movies, stars = users.astype("i4"), movies.astype("i4"), stars - 3.5


def fit(steps):
    end = steps * args.batch
    model.fit([users[:end], movies[:end]], stars[:end], batch_size=args.batch, verbose=0)


fit(min(steps, 20))
start = time.perf_counter()
fit(steps)
seconds = (time.perf_counter() - start) / steps * args.ratings / args.batch
epoch.tell(f"Keras {keras.__version__} on TensorFlow {tensorflow.__version__}, fit", seconds)
