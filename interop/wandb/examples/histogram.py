"""A histogram of gradients."""

import numpy as np

import wandb

gradients = np.sin(np.arange(10_000)).reshape(100, 100)
run = wandb.init()
run.log({"gradients": wandb.Histogram(gradients)})
