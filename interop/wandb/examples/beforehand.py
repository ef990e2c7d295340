"""Hyperparameters that are there before the run is."""

import wandb

# The documents set wandb.config.epochs = 4 before init: the client of today refuses that.
config = {"epochs": 4}

wandb.init(config=config)
for x in range(wandb.config.epochs):
    wandb.log({"epoch": x})
