"""A table in an artifact."""

import wandb

with wandb.init(id="make") as run:
    artifact = wandb.Artifact("predictions", type="result")
    artifact.add(wandb.Table(columns=["id", "score"], data=[[1, 0.5], [2, 0.7]]), "scores")
    run.log_artifact(artifact)

with wandb.init(id="use") as run:
    table = run.use_artifact("predictions:latest").get("scores")
    run.log({"rows": len(table.data)})
