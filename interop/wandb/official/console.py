"""Console: plain lines, a progress bar, colours, stderr, a line without end."""

import sys
import time

import wandb

run = wandb.init()
print("plain line", flush=True)
for i in range(0, 101, 20):
    print(f"\rprogress {i:3d}%", end="", flush=True)
print("", flush=True)
print("\x1b[31mred\x1b[0m and \x1b[1mbold\x1b[0m", flush=True)
print("up\x1b[Aover\x1b[B", flush=True)
time.sleep(0.2)  # the two streams reach the client by different ways
print("to stderr", file=sys.stderr, flush=True)
time.sleep(0.2)
print("é 世界 no end", end="", flush=True)
run.finish()
