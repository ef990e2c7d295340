"""The shortest run."""

import wandb

wandb.init()
