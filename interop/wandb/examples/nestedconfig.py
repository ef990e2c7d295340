"""Hyperparameters in groups."""

import wandb

run = wandb.init()
wandb.config["train"] = {"epochs": 4}
for x in range(wandb.config["train"]["epochs"]):
    run.log({"epoch": x})
