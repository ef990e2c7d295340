"""A whole tensor in the summary."""

import numpy as np

import wandb

run = wandb.init()
run.summary["weights"] = np.linspace(-1, 1, 101)
run.log({"x": 1})
