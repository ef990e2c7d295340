"""Name, notes and tags of a run that goes on."""

import wandb

run = wandb.init(tags=["a"])
run.name = "better name"
run.notes = "$x + 3$ of\ntwo lines"
run.tags += ("b",)
run.log({"x": 1})
