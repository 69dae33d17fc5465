"""An epoch of the lesson's network in TensorFlow, for `host bench train --peers=tensorflow`; needs tensorflow and numpy.

A compiled loop of its own with lazy Adam: the gradients of equal rows are summed, and only rows that a batch touches and
their moments are read and written. The median step times the number of steps.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf

import epoch

args = epoch.arguments()
tf.config.threading.set_intra_op_parallelism_threads(args.threads)
tf.config.threading.set_inter_op_parallelism_threads(args.threads)
RATE, BETA1, BETA2, EPSILON = 0.005, 0.9, 0.999, 1e-7


def variable(shape, bound):
    return tf.Variable(tf.random.uniform(shape, -bound, bound))


tables = [variable([args.users, 8], 0.05), variable([args.movies, 8], 0.05)]
dense = []
for inputs, outputs in [(16, 32), (32, 4), (4, 1)]:
    dense += [variable([inputs, outputs], (6 / (inputs + outputs)) ** 0.5), tf.Variable(tf.zeros([outputs]))]
moments = [[tf.Variable(tf.zeros_like(one)) for _ in range(2)] for one in tables + dense]
number = tf.Variable(0.0)

steps = epoch.whole_steps(args)
users, movies, stars = epoch.rows(args, steps * args.batch)
batches = [
    tuple(tf.constant(column[i * args.batch : (i + 1) * args.batch]) for column in (users.astype("i4"), movies.astype("i4"), stars - 3.5))
    for i in range(steps)
]


def moved(m, v, gradient, size):
    m = BETA1 * m + (1 - BETA1) * gradient
    v = BETA2 * v + (1 - BETA2) * gradient * gradient
    return m, v, size * m / (tf.sqrt(v) + EPSILON)


@tf.function
def train(users, movies, stars):
    with tf.GradientTape() as tape:
        x = tf.concat([tf.gather(table, at) for table, at in zip(tables, (users, movies))], 1)
        for i in range(0, len(dense), 2):
            x = x @ dense[i] + dense[i + 1]
            x = tf.nn.relu(x) if i + 2 < len(dense) else x
        loss = tf.reduce_mean(tf.square(x[:, 0] - stars))
    gradients = tape.gradient(loss, tables + dense)
    number.assign_add(1.0)
    size = RATE * tf.sqrt(1 - tf.pow(BETA2, number)) / (1 - tf.pow(BETA1, number))
    for table, (m, v), gradient in zip(tables, moments, gradients):
        rows, place = tf.unique(gradient.indices)
        summed = tf.math.unsorted_segment_sum(gradient.values, place, tf.size(rows))
        new_m, new_v, change = moved(tf.gather(m, rows), tf.gather(v, rows), summed, size)
        m.scatter_update(tf.IndexedSlices(new_m, rows))
        v.scatter_update(tf.IndexedSlices(new_v, rows))
        table.scatter_sub(tf.IndexedSlices(change, rows))
    for one, (m, v), gradient in zip(dense, moments[2:], gradients[2:]):
        new_m, new_v, change = moved(m, v, gradient, size)
        m.assign(new_m)
        v.assign(new_v)
        one.assign_sub(change)
    return loss


seconds = epoch.timed(args, lambda i: train(*batches[i]).numpy())
epoch.tell(f"TensorFlow {tf.__version__}, own loop, lazy Adam", seconds)
