"""A video from a file."""

import wandb

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90400000000002c00000000010001000002024401003b")
with open("sample.gif", "wb") as f:
    f.write(GIF)

run = wandb.init()
run.log({"video": wandb.Video("sample.gif", fps=4, format="gif")})
