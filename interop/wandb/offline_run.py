"""Write one offline run with the official client; arguments: directory."""

import math
import sys
import time

import wandb

run = wandb.init(
    mode="offline",
    project="interop",
    id="official1",
    name="from the official client",
    group="g",
    job_type="train",
    tags=["a", "b"],
    notes="two\nlines",
    dir=sys.argv[1],
    config={"lr": 0.1, "net": {"layers": [1, 2], "act": "relu"}, "none": None},
    settings=wandb.Settings(x_stats_sampling_interval=0.3, disable_git=True),
)
run.define_metric("epoch")
run.define_metric("val/*", step_metric="epoch", summary="max")
for i in range(6):
    run.log({"loss": 1 / (i + 1), "epoch": i // 2, "val/acc": 0.5 - abs(i - 3) / 10, "deep": {"x": i, "y": {"z": -i}}})
    print("step", i, flush=True)
    time.sleep(0.2)
run.log({"odd": math.nan, "inf": math.inf, "big": 2**53 + 1, "text": "é\n", "flag": True, "list": [1, 2.5, "x"]}, step=20)
run.config.update({"late": 7})
run.summary["best"] = {"loss": 0.01}
print("to stderr", file=sys.stderr)
run.finish(exit_code=3)
