"""Images with captions, in one list."""

import numpy as np

import wandb

run = wandb.init()
examples = []
for i in range(3):
    pixels = (np.arange(100 * 100 * 3).reshape(100, 100, 3) * (i + 1) % 256).astype(np.uint8)
    image = wandb.Image(pixels, caption=f"field {i}")
    examples.append(image)
run.log({"examples": examples})
