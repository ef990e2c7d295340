"""Many runs of one script."""

import wandb

for x in range(10):
    with wandb.init(project="my-projo") as run:
        for y in range(100):
            run.log({"metric": x + y})
