"""A run that goes on where an earlier process of it ended."""

import wandb

with wandb.init(id="unique", resume="allow", config={"lr": 0.1}) as run:
    for x in range(3):
        run.log({"x": x})

with wandb.init(id="unique", resume="must") as run:
    assert run.resumed and run.starting_step == 3
    run.log({"x": run.starting_step})
