"""Only some of the arguments as config."""

import argparse

import wandb

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--data-dir", default="/data")
parser.add_argument("--verbose", action="store_true")
args = parser.parse_args([])

with wandb.init(id="without", config=args, config_exclude_keys=["verbose", "data_dir"]) as run:
    run.log({"x": 1})
with wandb.init(id="only", config=args, config_include_keys=["lr"]) as run:
    run.log({"x": 1})
