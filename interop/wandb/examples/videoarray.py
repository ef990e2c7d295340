"""A video from pixels."""

import numpy as np

import wandb

run = wandb.init()
# axes are (time, channel, height, width)
frames = np.zeros((10, 3, 20, 20), dtype=np.uint8)
for i in range(10):
    frames[i, :, :, 2 * i : 2 * i + 2] = 255
run.log({"video": wandb.Video(frames, fps=4, format="gif")})
