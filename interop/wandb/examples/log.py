"""Rows of a few metrics."""

import wandb

run = wandb.init()
run.log({"train-loss": 0.5, "accuracy": 0.9})
run.log({"accuracy": 0.9, "epoch": 5})
