"""A run that fails."""

import wandb

run = wandb.init()
run.log({"loss": float("nan")})
run.finish(exit_code=1)
