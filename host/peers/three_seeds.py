"""Does training learn what PyTorch learns? Validation RMSE after each of 3 epochs, by 3 seeds, of ours and of PyTorch.

    cargo run -p host -- synth --shape ml-1m --out target/synth-1m
    python host/peers/three_seeds.py [--data target/synth-1m] [--own-order] [--own-start] [--seeds 20]

Needs numpy and torch, and the built `host`; without --data it is the built-in set. Both train the lesson's network with
lazy Adam (SparseAdam on the tables, Adam on the rest). A seed gives both the same ratings to learn from and to be measured
on, the same initial weights, and the same batches in the same order. With --own-order PyTorch shuffles ratings itself; with
--own-start it draws initial weights itself, from the same distributions: tables even in ±0.05, weights as Glorot and Bengio
have them, biases 0. Predictions are clamped to the scale.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch

BATCH, RATE, EPSILON = 5_000, 0.005, 1e-7
GOLDEN, ALL = 0x9E3779B97F4A7C15, (1 << 64) - 1
USER_TABLE, MOVIE_TABLE, LAYERS = 1, 2, 4


def mix(bits):
    bits = (bits ^ (bits >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> numpy.uint64(31))


def symmetric(seed, stream, part, bound, *shape):
    """Even in ±bound, as host/train/src/random.rs draws them."""
    word = lambda number: numpy.array([number & ALL], dtype=numpy.uint64)
    key = mix(mix(word(seed ^ GOLDEN)) + word(stream * GOLDEN))
    key = mix(key + word(part * GOLDEN))
    positions = numpy.arange(numpy.prod(shape), dtype=numpy.uint64)
    bits = mix(key + positions * numpy.uint64(GOLDEN))
    unit = (bits >> numpy.uint64(40)).astype("f4") * numpy.float32(1 / 16_777_216)
    values = (unit * numpy.float32(2) - numpy.float32(1)) * numpy.float32(bound)
    return torch.from_numpy(values.reshape(shape))


def read(folder, name):
    kind = "<f4" if name.endswith("f32") else "<u4"
    return torch.from_numpy(numpy.fromfile(folder / name, dtype=kind).astype("f4" if kind == "<f4" else "i8"))


def theirs(folder, seed, epochs, own_start, own_order):
    """RMSE after each epoch of PyTorch's."""
    users, movies, stars = (read(folder, name) for name in ["users.u32", "movies.u32", "stars.f32"])
    sizes = [int(users.max()) + 1, int(movies.max()) + 1]
    validation = read(folder, "validation.u32")
    held = [column[validation] for column in (users, movies, stars)]
    known = torch.ones(len(stars), dtype=torch.bool)
    known[validation] = False
    known = known.nonzero()[:, 0]
    torch.manual_seed(seed)
    tables = [torch.nn.Embedding(rows, 8, sparse=True) for rows in sizes]
    layers = [torch.nn.Linear(a, b) for a, b in [(16, 32), (32, 4), (4, 1)]]
    for table, stream in zip(tables, [USER_TABLE, MOVIE_TABLE]):
        torch.nn.init.uniform_(table.weight, -0.05, 0.05)
        if not own_start:
            table.weight.data = symmetric(seed, stream, 0, 0.05, *table.weight.shape)
    for part, layer in enumerate(layers):
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
        if not own_start:
            outputs, inputs = layer.weight.shape
            bound = (6 / (inputs + outputs)) ** 0.5
            layer.weight.data = symmetric(seed, LAYERS, part, bound, inputs, outputs).T.contiguous()
    mean, low, high = stars[known].mean(), float(stars.min()), float(stars.max())
    sparse = torch.optim.SparseAdam([table.weight for table in tables], lr=RATE, eps=EPSILON)
    dense = [parameter for layer in layers for parameter in layer.parameters()]
    adam = torch.optim.Adam(dense, lr=RATE, eps=EPSILON)

    def predict(users, movies):
        x = torch.cat([tables[0](users), tables[1](movies)], 1)
        for layer in layers[:-1]:
            x = torch.relu(layer(x))
        return mean + layers[-1](x)[:, 0]

    result = []
    for epoch in range(1, epochs + 1):
        order = known[torch.randperm(len(known))] if own_order else read(folder, f"order-{epoch}.u32")
        for part in order.split(BATCH):
            loss = (predict(users[part], movies[part]) - stars[part]).square().mean()
            sparse.zero_grad()
            adam.zero_grad()
            loss.backward()
            sparse.step()
            adam.step()
        with torch.no_grad():
            parts = zip(*(column.split(1 << 18) for column in held))
            squares = [(predict(u, m).clamp(low, high) - s).square().double().sum() for u, m, s in parts]
        result.append(float(torch.stack(squares).sum() / len(held[2])) ** 0.5)
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="target/debug/host")
    parser.add_argument("--data")
    parser.add_argument("--kernel", help="ours [default: the fastest]")
    parser.add_argument("--own-order", action="store_true")
    parser.add_argument("--own-start", action="store_true")
    parser.add_argument("--threads", type=int, default=2, help="PyTorch's")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    ours_all, theirs_all = [], []
    for seed in range(args.seeds):
        with tempfile.TemporaryDirectory() as folder:
            common = [args.host, "train", "--model", "mlp", "--seed", str(seed), "--out", folder]
            common += ["--data", args.data] if args.data else []
            split = ["--write-split", folder, "--write-orders", str(args.epochs)]
            subprocess.run(common + split, check=True, stdout=subprocess.DEVNULL)
            run = common + ["--epochs", str(args.epochs), "--no-early-stop"]
            run += ["--kernel", args.kernel] if args.kernel else []
            subprocess.run(run, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            lines = (Path(folder) / "history.csv").read_text().split()
            at = lines[0].split(",").index("validation_mse")
            ours_all.append([float(line.split(",")[at]) ** 0.5 for line in lines[1:]])
            theirs_all.append(theirs(Path(folder), seed, args.epochs, args.own_start, args.own_order))
        print(f"seed {seed}: ours {ours_all[-1][-1]:.4f}, PyTorch's {theirs_all[-1][-1]:.4f}", file=sys.stderr, flush=True)
    print("| epoch | ours, by seed | PyTorch's, by seed | PyTorch's range | ours beyond it by, at most |\n|---|---|---|---|---|")
    for epoch in range(args.epochs):
        ours, others = ([row[epoch] for row in rows] for rows in (ours_all, theirs_all))
        low, high = min(others), max(others)
        beyond = max(0.0, max(ours) - high, low - min(ours))
        text = lambda values: ", ".join(f"{value:.4f}" for value in values)
        print(f"| {epoch + 1} | {text(ours)} | {text(others)} | {low:.4f} to {high:.4f} | {beyond:.4f} |")
        means = [statistics.fmean(values) for values in (ours, others)]
        apart = [a - b for a, b in zip(ours, others)]
        error = statistics.stdev(apart) / len(apart) ** 0.5
        summary = f"mean of ours {means[0]:.4f}, of PyTorch's {means[1]:.4f}, apart by {means[0] - means[1]:+.4f} ± {error:.4f}"
    print(f"\nafter the last epoch: {summary} (standard error)")
    print(f"after the last epoch within PyTorch's range widened by 0.001: {'yes' if beyond <= 0.001 else 'no'}")


main()
