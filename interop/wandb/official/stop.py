"""A run that goes on until the server asks it to stop."""

import time

import wandb

run = wandb.init()
try:
    for _ in range(1200):
        run.log({"x": 1})
        time.sleep(0.1)
except KeyboardInterrupt:
    print("stopped")
    run.finish()
else:
    raise SystemExit("nobody stopped the run")
