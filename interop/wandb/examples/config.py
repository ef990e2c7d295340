"""Hyperparameters, and the loop that uses them."""

import wandb

run = wandb.init(config={"epochs": 4, "batch_size": 32})
for x in range(wandb.config.epochs):
    run.log({"epoch": x})
