"""Rows: implicit steps, explicit steps, rows in parts, every kind of value."""

import math

import wandb

run = wandb.init()
for i in range(5):
    run.log({"loss": 1 / (i + 1), "deep": {"x": i, "y": {"z": -i}}})
run.log({"a": 1}, commit=False)
run.log({"b": 2}, commit=False)
run.log({"a": 3})
run.log({"odd": math.nan, "inf": math.inf, "neg": -math.inf, "big": 2**53 + 1, "text": "é\n\"<>", "flag": True, "list": [1, 2.5, "x"], "none": None}, step=20)
run.log({"more": 1}, step=20)
run.log({"past": 1}, step=3)
run.log({"slash/key": 1, "dot.key": 2}, step=21)
run.log({"tail": 1})
run.finish()
