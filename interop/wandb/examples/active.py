"""The one run that is going on."""

import wandb

assert wandb.run is None

wandb.init(id="first")
assert wandb.run is not None
wandb.log({"x": 1})
wandb.finish()

assert wandb.run is None

with wandb.init(id="second") as run:
    run.log({"x": 2})

assert wandb.run is None
