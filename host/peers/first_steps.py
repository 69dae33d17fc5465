"""Repeats the 100 steps of `host bench --trace FOLDER` with PyTorch and compares every parameter.

    cargo run -p host -- bench --trace FOLDER --ratings 500000
    python host/peers/first_steps.py FOLDER

Needs numpy and torch. SparseAdam moves the tables, Adam the dense layers. Keras and SparseAdam add
epsilon to the root of the uncorrected second moment, torch's Adam to that of the corrected one, so
its epsilon is divided by the same correction, a step at a time.

A relu has a kink: where a unit's sum lies within rounding of 0, either side of it is right, the
sample's rows move another way, and everything after departs. Such sums are counted, so that a
departure that starts at one can be told from a mistake.
"""

import sys
import pathlib
import numpy
import torch

# What rounding does to a unit's sum, about.
TIE = 1e-7
folder = pathlib.Path(sys.argv[1])
facts, shapes = {}, {}
for line in (folder / "shapes.txt").read_text().splitlines():
    name, *rest = line.split()
    if len(rest) == 1:
        facts[name] = rest[0]
    else:
        shapes[name] = tuple(map(int, rest))


def read(when, name):
    values = numpy.fromfile(folder / f"{when}.{name}.f32", dtype="<f4").reshape(shapes[name])
    return torch.from_numpy(values[:, 0].copy() if name.endswith("bias") else values.copy())


tables = [name for name in shapes if not name.startswith("dense")]
dense = [name for name in shapes if name.startswith("dense")]
layers = len(dense) // 2
parameters = {name: torch.nn.Parameter(read("before", name)) for name in shapes}
for name in tables:
    if name.endswith("bias"):
        parameters[name] = torch.nn.Parameter(parameters[name].detach().unsqueeze(1))

rate, table_rate = float(facts["rate"]), float(facts["table_rate"])
sparse = torch.optim.SparseAdam([parameters[n] for n in tables], lr=table_rate, eps=1e-7)
adam = torch.optim.Adam([parameters[n] for n in dense], lr=rate, eps=1e-7) if dense else None

users = torch.from_numpy(numpy.fromfile(folder / "users.u32", dtype="<u4").astype("i8"))
movies = torch.from_numpy(numpy.fromfile(folder / "movies.u32", dtype="<u4").astype("i8"))
stars = torch.from_numpy(numpy.fromfile(folder / "stars.f32", dtype="<f4"))
batch, mean = int(facts["batch"]), float(facts["mean"])


def rows(name, at):
    return torch.nn.functional.embedding(at, parameters[name], sparse=True)


steps = ties = 0
for start in range(0, len(stars), batch):
    u, m, y = (column[start : start + batch] for column in (users, movies, stars))
    p, q = rows("user_embedding", u), rows("movie_embedding", m)
    predicted = torch.full_like(y, mean)
    if "user_bias" in shapes:
        predicted = predicted + rows("user_bias", u)[:, 0] + rows("movie_bias", m)[:, 0]
        predicted = predicted + (p * q).sum(1)
    if layers:
        x = torch.cat([p, q], 1)
        for i in range(layers):
            x = x @ parameters[f"dense_{i}.weight"] + parameters[f"dense_{i}.bias"]
            if i + 1 < layers:
                ties += int((x.detach().abs() < TIE).sum())
                x = torch.relu(x)
        predicted = predicted + x[:, 0]
    loss = ((predicted - y) ** 2).mean()
    sparse.zero_grad()
    if adam:
        adam.zero_grad()
    loss.backward()
    steps += 1
    sparse.step()
    if adam:
        adam.param_groups[0]["eps"] = 1e-7 / (1 - 0.999**steps) ** 0.5
        adam.step()

print(f"{facts['model']}: {steps} steps of {batch}, torch {torch.__version__}; {ties} sums of units within {TIE} of 0")
bad = total = 0
for name in shapes:
    ours, theirs = read("after", name), parameters[name].detach().reshape(read("after", name).shape)
    apart = (ours - theirs).abs()
    beyond = (apart > 1e-6) & (apart > 1e-3 * theirs.abs())
    bad += int(beyond.sum())
    total += ours.numel()
    print(f"  {name:16} largest distance {apart.max():.2e}, beyond 1e-3 and 1e-6: {int(beyond.sum())} of {ours.numel()}")
print("agrees" if bad == 0 else f"{bad} of {total} parameters lie apart by more than 1e-3 relative and 1e-6 absolute")
sys.exit(bad != 0)
