"""A sweep of one run, its parameters given by the server."""

import wandb


def train():
    with wandb.init() as run:
        assert run.sweep_id
        run.log({"loss": run.config.lr * 2})


sweep = wandb.sweep({"method": "grid", "metric": {"name": "loss", "goal": "minimize"}, "parameters": {"lr": {"values": [0.1, 0.2]}, "fixed": {"value": 3}}})
wandb.agent(sweep, function=train, count=1)
print("sweep:", sweep)
