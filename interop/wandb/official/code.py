"""Source code of a program, as an artifact of its own kind."""

import os
import tempfile

import wandb

with tempfile.TemporaryDirectory() as base:
    for name in ("train.py", "deep/model.py", "wandb/old.py", "data.bin"):
        os.makedirs(os.path.dirname(os.path.join(base, name)), exist_ok=True)
        with open(os.path.join(base, name), "w") as f:
            f.write(name + "\n")
    with wandb.init() as run:
        run.log({"x": 1})
        run.log_code(base, name="source-mine").wait()
        if run.log_code(base, name="source-none", include_fn=lambda path: False) is not None:
            raise AssertionError("nothing was logged as something")
