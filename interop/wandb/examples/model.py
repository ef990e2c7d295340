"""A model that one run makes and another one uses."""

import os

import wandb

with open("weights.bin", "w") as f:
    f.write("weights")

with wandb.init(id="train") as run:
    run.log_model(path="weights.bin", name="my_model_artifact", aliases=["production"])
    try:
        run.log_model(path="weights.bin", name="my_entity/my_project/my_model_artifact")
        raise SystemExit("a name with slashes was taken")
    except ValueError:
        pass

with wandb.init(id="infer") as run:
    path = run.use_model(name="my_model_artifact:production")
    run.log({"bytes": os.path.getsize(path)})
