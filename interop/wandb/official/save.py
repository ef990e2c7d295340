"""Files of the three policies, below a base path and by an absolute path
without one."""

import os
import tempfile

import wandb

with tempfile.TemporaryDirectory() as base:
    os.makedirs(os.path.join(base, "sub"))
    for name in ("now.txt", "end.txt", "live.txt", "sub/deep.txt", "empty.txt", "sub/abs.txt"):
        with open(os.path.join(base, name), "w") as f:
            f.write("" if name == "empty.txt" else name + "\n")
    run = wandb.init()
    run.save(os.path.join(base, "now.txt"), base_path=base, policy="now")
    run.save(os.path.join(base, "empty.txt"), base_path=base, policy="now")
    run.save(os.path.join(base, "sub/*"), base_path=base, policy="end")
    run.save(os.path.join(base, "end.txt"), base_path=base, policy="end")
    run.save(os.path.join(base, "live.txt"), base_path=base, policy="live")
    with open(os.path.join(base, "live.txt"), "a") as f:
        f.write("more\n")
    run.save(os.path.join(base, "sub/abs.txt"), policy="end")
    run.log({"x": 1})
    run.finish()
