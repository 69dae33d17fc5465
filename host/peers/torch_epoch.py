"""Times the lesson's network in PyTorch on the shape of MovieLens-20M, for docs/TRAINING.md.

    python host/peers/torch_epoch.py [--batches 400]

Needs torch. Made-up rows and stars: the time of a step doesn't depend on what they say. Prints ratings a second for
SparseAdam on the tables (Adam on the rest) and for fused Adam on everything, with 1 and with 2 threads.
"""

import argparse
import statistics
import time

import torch

USERS, MOVIES, BATCH, RATINGS = 138_493, 26_744, 5_000, 19_000_250


class Lesson(torch.nn.Module):
    def __init__(self, sparse):
        super().__init__()
        self.users = torch.nn.Embedding(USERS, 8, sparse=sparse)
        self.movies = torch.nn.Embedding(MOVIES, 8, sparse=sparse)
        layers = [torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4), torch.nn.ReLU()]
        self.dense = torch.nn.Sequential(*layers, torch.nn.Linear(4, 1))

    def forward(self, users, movies):
        return self.dense(torch.cat([self.users(users), self.movies(movies)], 1))[:, 0]


def optimisers(model, sparse):
    if not sparse:
        return [torch.optim.Adam(model.parameters(), lr=0.005, fused=True)]
    tables = [model.users.weight, model.movies.weight]
    return [
        torch.optim.SparseAdam(tables, lr=0.005),
        torch.optim.Adam(model.dense.parameters(), lr=0.005),
    ]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batches", type=int, default=400)
    batches = parser.parse_args().batches
    generator = torch.Generator().manual_seed(0)
    count = batches * BATCH
    # Popularity with a heavy tail, as ratings have it.
    movies = (MOVIES * torch.rand(count, generator=generator) ** 3).long()
    users = (USERS * torch.rand(count, generator=generator) ** 2).long()
    stars = torch.randint(-3, 4, (count,), generator=generator).float() / 2
    for name, sparse in [("SparseAdam", True), ("fused Adam", False)]:
        for threads in [1, 2]:
            torch.set_num_threads(threads)
            model = Lesson(sparse)
            steps = optimisers(model, sparse)
            times = []
            for at in range(0, count, BATCH):
                start = time.perf_counter()
                part = slice(at, at + BATCH)
                loss = (model(users[part], movies[part]) - stars[part]).square().mean()
                for step in steps:
                    step.zero_grad()
                loss.backward()
                for step in steps:
                    step.step()
                times.append(time.perf_counter() - start)
            median = statistics.median(times)
            print(
                f"{name}, {threads} threads: {BATCH / median / 1e6:.2f} M ratings/s, "
                f"{RATINGS / BATCH * median:.1f} s an epoch at that rate",
                flush=True,
            )


main()
