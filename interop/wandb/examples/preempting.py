"""A machine that may be taken away."""

import wandb

run = wandb.init()
run.mark_preempting()
run.log({"x": 1})
