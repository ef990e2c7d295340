"""Metrics against a step of their own, with the summary they should have."""

import wandb

run = wandb.init()
run.define_metric("epoch", hidden=True)
run.define_metric("val/*", step_metric="epoch")
run.define_metric("val/accuracy", step_metric="epoch", summary="max", goal="maximize")
run.define_metric("loss", summary="min,mean,last")
for epoch in range(4):
    run.log({"loss": 1 / (epoch + 1)})
    run.log({"epoch": epoch, "loss": 1 / (epoch + 2), "val/accuracy": 0.9 - 0.1 * abs(epoch - 2)})
