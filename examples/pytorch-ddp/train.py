"""Trains the network of `host train --model mlp` by PyTorch's DistributedDataParallel.

    torchrun --standalone --nproc-per-node 2 --max-restarts 3 train.py --ratings ratings.csv --out out

Each process takes its share of a batch. Gradients of the tables are sparse: what processes exchange are the rows of a batch,
not whole tables. Every `--every` steps the state goes to OUT/checkpoint.pt. Where a process ends, torchrun starts all of
them anew, and they go on from there, to the same bits as if nothing had happened. At the end OUT has model.safetensors and
predictions.csv, which `host import` takes.
"""

import argparse
import datetime
import os
import pathlib
import sys

import numpy
import torch
import torch.distributed as distributed
from safetensors.torch import save_file
from torch import nn
from torch.nn.parallel import DistributedDataParallel

SEED = 1
HELD_OUT = 0.1
RATE = 0.005


def dense_layers(dim):
    hidden = [nn.Linear(2 * dim, 32), nn.ReLU(), nn.Linear(32, 4), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(4, 1))


class Lesson(nn.Module):
    """Rows of a user and of a movie, side by side, through dense layers."""

    def __init__(self, users, movies, mean, dim=8):
        super().__init__()
        self.users = nn.Embedding(users, dim, sparse=True)
        self.movies = nn.Embedding(movies, dim, sparse=True)
        for table in (self.users, self.movies):
            nn.init.uniform_(table.weight, -0.05, 0.05)
        self.dense = dense_layers(dim)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))

    def forward(self, users, movies):
        rows = torch.cat([self.users(users), self.movies(movies)], 1)
        return self.mean + self.dense(rows)[:, 0]


class Ratings:
    """All ratings, with the rows of their users and movies; some are held out."""

    def __init__(self, path):
        try:
            columns = numpy.loadtxt(path, delimiter=",", skiprows=1, usecols=(0, 1, 2), unpack=True)
        except (OSError, ValueError) as error:
            due = "a CSV file of user, movie and rating under one line of names"
            sys.exit(f"--ratings {path}: {error}; it should be {due}")
        self.user_ids, users = numpy.unique(columns[0].astype("i8"), return_inverse=True)
        self.movie_ids, movies = numpy.unique(columns[1].astype("i8"), return_inverse=True)
        self.users, self.movies = torch.from_numpy(users), torch.from_numpy(movies)
        self.stars = torch.from_numpy(columns[2].astype("f4"))
        order = torch.randperm(len(self.stars), generator=torch.Generator().manual_seed(SEED))
        held_out = round(len(order) * HELD_OUT)
        self.held_out, self.train = order[:held_out].sort().values, order[held_out:]

    def shape(self):
        return [len(self.user_ids), len(self.movie_ids), len(self.stars)]

    def mean(self):
        return self.stars[self.train].double().mean().item()

    def batches(self, args, done=0):
        """This process's share of each batch behind the first so many, and the epoch where the batch is its last."""
        rank, processes = distributed.get_rank(), distributed.get_world_size()
        steps, share = len(self.train) // args.batch, args.batch // processes
        if steps == 0 or args.batch % processes:
            most = f"at most {len(self.train)}, the ratings to train on"
            sys.exit(f"--batch {args.batch} should be a multiple of {processes}, the processes, and {most}")
        order = None
        for step in range(done, args.epochs * steps):
            epoch, at = divmod(step, steps)
            if order is None or at == 0:
                shuffle = torch.Generator().manual_seed(SEED + epoch)
                order = self.train[torch.randperm(len(self.train), generator=shuffle)]
            own = order[at * args.batch + rank * share :][:share]
            yield step + 1, epoch + 1 if at + 1 == steps else None, own


def tell_error(model, ratings, epoch, epochs):
    """The error of the ratings that were held out, each process summing its share."""
    own = ratings.held_out[distributed.get_rank() :: distributed.get_world_size()]
    with torch.no_grad():
        apart = model(ratings.users[own], ratings.movies[own]) - ratings.stars[own]
    total = apart.double().square().sum()
    distributed.all_reduce(total)
    if distributed.get_rank() == 0:
        error = (total.item() / len(ratings.held_out)) ** 0.5
        print(f"epoch {epoch} of {epochs}: RMSE {error:.4f} of ratings held out", flush=True)


def write_whole(path, write):
    """A file that is either as it was or as it is to be, whenever this process ends."""
    half = path.with_suffix(".half")
    write(half)
    os.replace(half, path)


def write_results(tensors, predicted, ratings, out):
    """What `host import` takes: the model, and what it predicts of the ratings that were held out."""
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    tensors |= {"user_ids": torch.from_numpy(ratings.user_ids), "movie_ids": torch.from_numpy(ratings.movie_ids)}
    write_whole(out / "model.safetensors", lambda path: save_file(tensors, path))
    users, movies = ratings.users[ratings.held_out], ratings.movies[ratings.held_out]
    table = zip(ratings.user_ids[users], ratings.movie_ids[movies], predicted.numpy())
    lines = ["user,movie,prediction\n", *(f"{user},{movie},{stars:.9g}\n" for user, movie, stars in table)]
    write_whole(out / "predictions.csv", lambda path: path.write_text("".join(lines)))
    print(f"wrote {out / 'model.safetensors'} and {out / 'predictions.csv'}", flush=True)


def arguments(about):
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ratings", type=pathlib.Path, required=True, help="CSV: user, movie, rating")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the checkpoint and the results")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=1024, help="ratings a step, of all processes together")
    parser.add_argument("--every", type=int, default=50, help="steps between checkpoints")
    return parser.parse_args()


def join():
    """Meets the other processes."""
    # Whoever waits for one that isn't there gives up then, and torchrun starts all anew.
    distributed.init_process_group("gloo", timeout=datetime.timedelta(minutes=5))
    rank = distributed.get_rank()
    print(f"process {rank} of {distributed.get_world_size()} has the id {os.getpid()}", flush=True)
    return rank


def leave():
    distributed.barrier()
    distributed.destroy_process_group()


def main():
    args = arguments(__doc__)
    rank = join()
    args.out.mkdir(parents=True, exist_ok=True)
    ratings = Ratings(args.ratings)
    torch.manual_seed(SEED)
    model = Lesson(len(ratings.user_ids), len(ratings.movie_ids), ratings.mean())
    tables = [model.users.weight, model.movies.weight]
    optimisers = [torch.optim.SparseAdam(tables, lr=RATE), torch.optim.Adam(model.dense.parameters(), lr=RATE)]

    run = [*ratings.shape(), args.epochs, args.batch]
    checkpoint, done = args.out / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        if state["run"] != run:
            sys.exit(f"{checkpoint} is of another run, of other ratings or options: give --out another folder")
        model.load_state_dict(state["model"])
        for optimiser, own in zip(optimisers, state["optimisers"]):
            optimiser.load_state_dict(own)
        done = state["done"]
        if rank == 0:
            print(f"going on after step {done}", flush=True)

    parallel = DistributedDataParallel(model)
    for step, epoch, own in ratings.batches(args, done):
        loss = (parallel(ratings.users[own], ratings.movies[own]) - ratings.stars[own]).square().mean()
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
        if epoch:
            tell_error(model, ratings, epoch, args.epochs)
        if rank == 0 and (step % args.every == 0 or epoch):
            own = [optimiser.state_dict() for optimiser in optimisers]
            state = {"run": run, "done": step, "model": model.state_dict(), "optimisers": own}
            write_whole(checkpoint, lambda path: torch.save(state, path))
            print(f"checkpoint after step {step}", flush=True)
    if rank == 0:
        with torch.no_grad():
            predicted = model(ratings.users[ratings.held_out], ratings.movies[ratings.held_out])
        write_results(model.state_dict(), predicted, ratings, args.out)
    leave()


if __name__ == "__main__":
    main()
