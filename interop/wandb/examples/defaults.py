"""config-defaults.yaml in the working directory."""

import wandb

with open("config-defaults.yaml", "w") as f:
    f.write("epochs: {desc: passes over the data, value: 100}\nbatch_size: {value: 32}\n")

run = wandb.init(config={"batch_size": 64})
for x in range(2):
    run.log({"epoch": x, "batch_size": run.config.batch_size})
