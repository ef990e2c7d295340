"""Metric definitions: globs, step metrics, summaries of every kind."""

import wandb

run = wandb.init()
run.define_metric("epoch", hidden=True)
run.define_metric("val/*", step_metric="epoch", summary="max")
run.define_metric("loss", summary="min,mean,last")
run.define_metric("acc", goal="maximize", summary="best")
run.define_metric("first", summary="first")
run.define_metric("quiet", summary="none")
run.define_metric("train/*", step_metric="batches")
for i in range(6):
    run.log({"epoch": i // 2, "val/acc": 0.5 - abs(i - 3) / 10, "loss": 2 / (i + 1), "acc": i, "first": i, "quiet": i, "train/x": i, "batches": 10 * i})
run.finish()
