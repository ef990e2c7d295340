"""A custom chart over a table."""

import wandb

run = wandb.init()
table = wandb.Table(columns=["epoch", "accuracy"], data=[[0, 0.5], [1, 0.7], [2, 0.8]])
chart = wandb.plot_table(
    vega_spec_name="wandb/line/v0",
    data_table=table,
    fields={"x": "epoch", "y": "accuracy"},
    string_fields={"title": "Accuracy"},
)
run.log({"curve": chart})
