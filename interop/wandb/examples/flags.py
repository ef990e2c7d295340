"""Flags of the command line as config."""

import argparse

import wandb

run = wandb.init()
wandb.config.epochs = 4

parser = argparse.ArgumentParser()
parser.add_argument("-b", "--batch-size", type=int, default=8, metavar="N", help="input batch size for training (default: 8)")
args = parser.parse_args()
wandb.config.update(args)  # adds all of the arguments as config variables
