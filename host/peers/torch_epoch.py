"""An epoch of the lesson's network in PyTorch, for `host bench train --peers=torch`; needs torch and numpy.

`--optimiser sparse` is SparseAdam on the tables and Adam on the rest, `fused` is fused Adam on everything. The median step
times the number of steps: loading, shuffling and validation are left out.
"""

import torch

import epoch

args = epoch.arguments(optimiser="sparse")
torch.set_num_threads(args.threads)
sparse = args.optimiser == "sparse"


class Lesson(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.users = torch.nn.Embedding(args.users, 8, sparse=sparse)
        self.movies = torch.nn.Embedding(args.movies, 8, sparse=sparse)
        layers = [torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4), torch.nn.ReLU()]
        self.dense = torch.nn.Sequential(*layers, torch.nn.Linear(4, 1))

    def forward(self, users, movies):
        return self.dense(torch.cat([self.users(users), self.movies(movies)], 1))[:, 0]


users, movies, stars = epoch.rows(args, epoch.whole_steps(args) * args.batch)
users, movies = (torch.from_numpy(column.astype("i8")) for column in (users, movies))
stars = torch.from_numpy(stars) - 3.5
model = Lesson()
if sparse:
    tables = [model.users.weight, model.movies.weight]
    optimisers = [torch.optim.SparseAdam(tables, lr=0.005), torch.optim.Adam(model.dense.parameters(), lr=0.005)]
else:
    optimisers = [torch.optim.Adam(model.parameters(), lr=0.005, fused=True)]


def step(i):
    part = slice(i * args.batch, (i + 1) * args.batch)
    loss = (model(users[part], movies[part]) - stars[part]).square().mean()
    for optimiser in optimisers:
        optimiser.zero_grad()
    loss.backward()
    for optimiser in optimisers:
        optimiser.step()


seconds = epoch.timed(args, step)
epoch.tell(f"PyTorch {torch.__version__.split('+')[0]}, {'SparseAdam' if sparse else 'fused Adam'}", seconds)
