"""A file of an earlier run."""

import wandb

with wandb.init(id="earlier") as run:
    with open("model.txt", "w") as f:
        f.write("weights\n")
    run.save("model.txt", policy="now")
    run.log({"x": 1})

with wandb.init(id="later") as run:
    file = wandb.restore("model.txt", run_path=f"{run.entity}/{run.project}/earlier")
    run.log({"length": len(file.read())})
