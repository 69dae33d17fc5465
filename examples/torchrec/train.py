"""Trains the network of `host train --model mlp` with TorchRec: the rows of each table are spread over the processes.

    torchrun --standalone --nproc-per-node 2 train.py --ratings ratings.csv --out out

No process has a whole table: a batch's rows are fetched from where they are, and their gradients go back there. FBGEMM,
which holds the tables, has no Adam on the CPU, so they are moved by row-wise Adagrad. At the end OUT has
model.safetensors and predictions.csv, which `host import` takes.
"""

import pathlib
import sys

import torch
import torch.distributed as distributed
from torch import nn
from torchrec import EmbeddingCollection, EmbeddingConfig, KeyedJaggedTensor
from torchrec.distributed import DistributedModelParallel
from torchrec.distributed.embedding import EmbeddingCollectionSharder
from torchrec.distributed.planner import EmbeddingShardingPlanner, Topology
from torchrec.distributed.planner.types import ParameterConstraints
from torchrec.distributed.types import ShardingType
from torchrec.optim import RowWiseAdagrad, apply_optimizer_in_backward

# Reading, batches and results are those of the example without TorchRec.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "pytorch-ddp"))
import train as plain  # noqa: E402

TABLE_RATE = 0.05
TABLES = ("users", "movies")


def uniform(table):
    nn.init.uniform_(table, -0.05, 0.05)


class Lesson(nn.Module):
    """The plain example's network, with its tables where TorchRec can spread them."""

    def __init__(self, rows, mean, dim=8):
        super().__init__()
        configs = [
            EmbeddingConfig(name=name, num_embeddings=count, embedding_dim=dim, feature_names=[name], init_fn=uniform)
            for name, count in zip(TABLES, rows)
        ]
        self.tables = EmbeddingCollection(tables=configs, device=torch.device("meta"))
        self.dense = plain.dense_layers(dim)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))

    def forward(self, users, movies):
        one = torch.ones(len(users) + len(movies), dtype=torch.int32)
        found = self.tables(KeyedJaggedTensor(list(TABLES), torch.cat([users, movies]), lengths=one))
        rows = torch.cat([found[name].values() for name in TABLES], 1)
        return self.mean + self.dense(rows)[:, 0]


def spread(model):
    """The model with its tables cut by rows, a part for each process, and the dense layers whole on each."""
    by_rows = ParameterConstraints(sharding_types=[ShardingType.ROW_WISE.value])
    topology = Topology(world_size=distributed.get_world_size(), compute_device="cpu")
    planner = EmbeddingShardingPlanner(topology=topology, constraints={name: by_rows for name in TABLES})
    sharders = [EmbeddingCollectionSharder()]
    plan = planner.collective_plan(model, sharders, distributed.group.WORLD)
    return DistributedModelParallel(model, device=torch.device("cpu"), plan=plan, sharders=sharders)


def gathered(table):
    """All rows of a table, on the first process."""
    rows = torch.empty(table.size()) if distributed.get_rank() == 0 else None
    table.gather(0, rows)
    return rows


def main():
    args = plain.arguments(__doc__)
    rank = plain.join()
    args.out.mkdir(parents=True, exist_ok=True)
    ratings = plain.Ratings(args.ratings)
    torch.manual_seed(plain.SEED)
    model = Lesson(ratings.shape()[:2], ratings.mean())
    apply_optimizer_in_backward(RowWiseAdagrad, model.tables.parameters(), {"lr": TABLE_RATE})
    dense = model.dense
    model = spread(model)
    parts = {name: table for name, table in model.state_dict().items() if name.startswith("tables.")}
    for name, table in parts.items():
        own = sum(shard.tensor.shape[0] for shard in table.local_shards())
        print(f"process {rank} has {own} of {table.size()[0]} rows of {name}", flush=True)

    optimiser = torch.optim.Adam(dense.parameters(), lr=plain.RATE)
    for _, epoch, own in ratings.batches(args):
        loss = (model(ratings.users[own], ratings.movies[own]) - ratings.stars[own]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if epoch:
            plain.tell_error(model, ratings, epoch, args.epochs)

    # Whoever asks for rows needs the others, so all predict, and the first writes.
    with torch.no_grad():
        predicted = model(ratings.users[ratings.held_out], ratings.movies[ratings.held_out])
    tensors = {name: gathered(value) if name in parts else value for name, value in model.state_dict().items()}
    if rank == 0:
        plain.write_results(tensors, predicted, ratings, args.out)
    plain.leave()


if __name__ == "__main__":
    main()
