"""A chart of y = x squared."""

import numpy as np
from matplotlib import pyplot as plt

import wandb

run = wandb.init()
fig, ax = plt.subplots()
x = np.linspace(0, 10)
y = x * x
ax.plot(x, y)  # plot y = x^2
run.log({"chart": fig})
