"""A table."""

import wandb

run = wandb.init()
table = wandb.Table(columns=["id", "label", "score", "right"])
table.add_data(1, "pedestrian", 0.9, True)
table.add_data(2, "bicycle", 0.4, None)
run.log({"predictions": table})
