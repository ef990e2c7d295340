"""A run that goes on until the server asks it to stop."""

import time

import wandb

run = wandb.init()
try:
    run.log({"x": 1})
    time.sleep(120)  # the server hears of the run by its system metrics
except KeyboardInterrupt:
    print("stopped")
    run.finish()
else:
    raise SystemExit("nobody stopped the run")
