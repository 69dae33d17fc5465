"""EASE's lists on the splits of `host evaluate`: NDCG and hit rate at 10, plainly and with a history that fades.

    cargo run -p host -- evaluate --leave-last-out --write-folds target/last
    python host/peers/ease_lists.py target/last

Needs numpy. EASE (Steck 2019) is a linear model of who rated what: the inverse of the movies' Gram matrix plus LAMBDA on its
diagonal, 8 bytes for each pair of movies. With a fade a person's latest rating counts 1 and each one before it less, by half
after 4. Both were chosen on the built-in ratings without everybody's last tenth. Of equal times the higher id is the later.
"""

import argparse
from pathlib import Path

import numpy

LAMBDA, FADE, LENGTH = 100.0, 0.5 ** (1 / 4), 10

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=Path)
args = parser.parse_args()

train, test = (numpy.loadtxt(args.folder / f"u1.{end}", delimiter="\t") for end in ["base", "test"])
users, movies = (numpy.unique(numpy.concatenate([train[:, at], test[:, at]])) for at in [0, 1])
train = train[numpy.lexsort((train[:, 1], train[:, 3], train[:, 0]))]
user, movie = numpy.searchsorted(users, train[:, 0]), numpy.searchsorted(movies, train[:, 1])
rated = numpy.zeros((len(users), len(movies)), dtype="f4")
rated[user, movie] = 1
counts = rated.sum(0)

inverse = rated.T @ rated
inverse[numpy.diag_indices_from(inverse)] += LAMBDA
inverse = numpy.linalg.inv(inverse)
weights = -inverse / numpy.diag(inverse)
numpy.fill_diagonal(weights, 0)

faded = numpy.zeros_like(rated)
for place in range(len(users)):
    own = movie[user == place][::-1]
    faded[place, own] = FADE ** numpy.arange(len(own))

held = [set() for _ in users]
for row in test:
    held[numpy.searchsorted(users, row[0])].add(int(numpy.searchsorted(movies, row[1])))
gains = 1 / numpy.log2(numpy.arange(LENGTH) + 2)
print("| EASE | NDCG@10 | hit rate@10 | different movies | mean ratings | under 5 ratings |")
for name, history in [("plain", rated), ("fading", faded)]:
    scores = history @ weights
    scores[rated > 0] = -numpy.inf
    ndcg, hits, named = [], [], []
    for own, row in zip(held, scores):
        if own:
            best = numpy.argsort(-row, kind="stable")[:LENGTH]
            found = numpy.array([at in own for at in best])
            ndcg.append((gains * found).sum() / gains[: len(own)].sum())
            hits.append(found.any())
            named.extend(best)
    fame = counts[named]
    print(f"| {name} | {numpy.mean(ndcg):.4f} | {numpy.mean(hits):.4f} | {len(set(named)):,} | {fame.mean():.0f} | {100 * (fame < 5).mean():.1f} % |")
