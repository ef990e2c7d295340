"""Artifacts straight from a path."""

import os

import wandb

os.makedirs("data")
with open("data/train.csv", "w") as f:
    f.write("x,y\n1,2\n")

run = wandb.init()
run.log_artifact("data", type="dataset")  # called run-<id>-data
run.log_artifact("data/train.csv", name="table", type="dataset", aliases=["latest", "first"])
