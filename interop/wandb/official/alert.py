"""Alerts of each level, one of them with a waiting time."""

import wandb

run = wandb.init()
run.alert("started", "all is well", level=wandb.AlertLevel.INFO)
run.alert("slow", "below\nthe target", level=wandb.AlertLevel.WARN, wait_duration=60)
run.alert("broken", "loss is NaN", level="ERROR", wait_duration=0)
run.finish()
