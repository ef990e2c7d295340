"""Summary: what rows leave there, values put there by hand, values removed."""

import wandb

run = wandb.init()
run.log({"loss": 3, "kept": 1})
run.log({"loss": 2})
run.summary["best"] = {"loss": 0.5, "at": {"epoch": 3}}
run.summary.update({"late": "x", "gone": 1, "loss": 9})
del run.summary["gone"]
run.finish()
