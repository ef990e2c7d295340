"""A config file of any name."""

import wandb

with open("special_config.yaml", "w") as f:
    f.write("epochs: {value: 3}\nnet: {value: {layers: [1, 2], act: relu}}\n")

run = wandb.init(config="special_config.yaml")
for x in range(run.config.epochs):
    run.log({"epoch": x})
