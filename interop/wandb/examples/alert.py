"""Alerts."""

from datetime import timedelta

import wandb
from wandb import AlertLevel

run = wandb.init()
accuracy = 0.2
if accuracy < 0.3:
    run.alert(title="Low accuracy", text=f"Accuracy {accuracy} is below 0.3", level=AlertLevel.WARN, wait_duration=timedelta(minutes=5))
run.log({"accuracy": accuracy})
