"""Config: nested values at init, changed and added later."""

import math

import wandb

run = wandb.init(config={"lr": 0.1, "net": {"layers": [1, 2], "act": "relu"}, "none": None, "flag": True, "text": "é<>&", "big": 2**53 + 1})
run.config.late = 7
run.config.update({"net": {"act": "gelu", "deep": {"x": math.inf}}, "lr": 0.2}, allow_val_change=True)
try:
    run.config.update({"flag": False})
except wandb.errors.Error:
    pass
else:
    raise SystemExit("a changed value was taken without being asked for")
run.log({"loss": 1.0})
run.finish()
