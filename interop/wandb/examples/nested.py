"""Metrics in groups."""

import wandb

run = wandb.init()
run.log({"dataset-1": {"acc": 0.9, "loss": 0.3}, "dataset-2": {"acc": 0.8, "loss": 0.2}})
run.log({"train": {"acc": 0.9}, "val": {"acc": 0.8}})
