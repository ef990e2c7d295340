"""A precision-recall curve."""

import wandb

y_test = [0, 1, 1, 0, 1, 0, 1, 0]
y_probas = [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.6, 0.4], [0.1, 0.9], [0.3, 0.7], [0.45, 0.55], [0.8, 0.2]]
labels = ["background", "pedestrian"]

run = wandb.init()
run.log({"pr": wandb.plot.pr_curve(y_test, y_probas, labels)})
