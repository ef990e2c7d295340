"""Several runs that add to one version of an artifact."""

import wandb

for rank in range(2):
    with open(f"part-{rank}.txt", "w") as f:
        f.write(f"part {rank}\n")
    with wandb.init(id=f"rank-{rank}", group="ddp") as run:
        part = wandb.Artifact("dataset", type="dataset")
        part.add_file(f"part-{rank}.txt")
        run.upsert_artifact(part)

with wandb.init(id="last", group="ddp") as run:
    run.finish_artifact(wandb.Artifact("dataset", type="dataset"))
