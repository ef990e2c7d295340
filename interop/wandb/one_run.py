"""A training script that knows nothing of us; arguments: rows, then key=value of wandb.init, runs=N, exit=N, pause=seconds."""

import sys
import time

import wandb

rows = int(sys.argv[1])
given = dict(arg.split("=", 1) for arg in sys.argv[2:])
runs, code, pause = int(given.pop("runs", 1)), int(given.pop("exit", 0)), float(given.pop("pause", 0.05))
for n in range(runs):
    run = wandb.init(name=f"snake {n}", config={"lr": 0.1}, **given)
    for i in range(rows):
        run.log({"i": i, "loss": 1 / (i + 1)})
        print("step", i, flush=True)
        time.sleep(pause)
    run.summary["best"] = 7
    run.finish()
sys.exit(code)
