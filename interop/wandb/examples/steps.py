"""Rows at steps of one's own."""

import wandb

run = wandb.init()
for epoch in range(3):
    run.log({"train-loss": 1 / (epoch + 1)}, step=10 * epoch)
    run.log({"accuracy": 0.5 + 0.1 * epoch}, step=10 * epoch)
run.log({"done": True}, step=50, commit=True)
run.log({"after": 1})
