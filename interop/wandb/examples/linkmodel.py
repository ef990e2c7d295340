"""A model for the registry."""

import wandb

with open("weights.bin", "w") as f:
    f.write("weights")

run = wandb.init()
run.link_model(
    path="weights.bin",
    registered_model_name="my_reg_model",
    name="my_model_artifact",
    aliases=["production"],
)
