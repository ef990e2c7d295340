"""A summary value set by hand, and rows that have the key after that."""

import wandb

run = wandb.init()
run.log({"accuracy": 0.5})
run.summary["accuracy"] = 0.9
run.log({"accuracy": 0.6, "loss": 0.1})
