"""Two processes write one run; argument: primary or the label of another."""

import os
import subprocess
import sys
import time

import wandb

label = sys.argv[1] if len(sys.argv) > 1 else "primary"
primary = label == "primary"
run = wandb.init(settings=wandb.Settings(mode="shared", x_label=label, x_primary=primary, x_update_finish_state=primary))
if primary:
    run.config.update({"lr": 0.1})
for i in range(3):
    run.log({label + "/x": i})
    time.sleep(0.5)  # system metrics are measured twice a second
if primary:
    alone = {k: v for k, v in os.environ.items() if k != "WANDB_SERVICE"}
    subprocess.run([sys.executable, __file__, "second"], check=True, env=alone)
run.finish()
