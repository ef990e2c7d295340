"""How a run ends; argument: finish CODE, exit CODE or raise."""

import sys

import wandb

run = wandb.init()
run.log({"x": 1})
if sys.argv[1] == "finish":
    run.finish(exit_code=int(sys.argv[2]))
elif sys.argv[1] == "exit":
    sys.exit(int(sys.argv[2]))
else:
    raise RuntimeError("as asked")
