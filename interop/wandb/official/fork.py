"""A run that begins at a step of another one."""

import wandb

with wandb.init(id="forked-from", config={"lr": 0.1}) as run:
    for x in range(4):
        run.log({"x": x})
with wandb.init(id="fork", fork_from="forked-from?_step=1") as run:
    run.log({"x": 10})
