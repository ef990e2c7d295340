"""A dataset that one run makes and another one uses."""

import os

import wandb

os.makedirs("data")
with open("data/train.csv", "w") as f:
    f.write("x,y\n1,2\n")

with wandb.init(id="make", job_type="prepare") as run:
    dataset = wandb.Artifact("pedestrians", type="dataset", description="of the first camera", metadata={"rows": 1})
    dataset.add_dir("data")
    run.log_artifact(dataset, aliases=["latest", "camera-1"])

with wandb.init(id="use", job_type="train") as run:
    folder = run.use_artifact("pedestrians:camera-1", type="dataset").download()
    with open(os.path.join(folder, "train.csv")) as f:
        run.log({"rows": len(f.readlines()) - 1})
