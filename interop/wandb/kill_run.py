"""A training script that says what it has logged, until told to stop; arguments: file for that, file that says stop."""

import os
import sys
import time

import wandb

acks = open(sys.argv[1], "a", buffering=1)
print(os.getpid(), file=acks)
run = wandb.init(config={"lr": 0.1})
print("begun", file=acks)
i = 0
while not os.path.exists(sys.argv[2]):
    run.log({"n": i, "pad": f"{i:2000}"})
    print(i, file=acks)
    i += 1
    time.sleep(0.002)
run.finish()
