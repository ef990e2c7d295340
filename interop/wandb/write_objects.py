"""Objects of every kind in an artifact, for our reader."""

import datetime

import numpy as np
import wandb

pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
layered = wandb.Image(
    pixels, caption="layered",
    boxes={"found": {"box_data": [{"position": {"middle": [1, 2], "width": 3, "height": 4}, "domain": "pixel", "class_id": 1, "box_caption": "c", "scores": {"p": 0.5}}], "class_labels": {1: "yes"}}},
    masks={"truth": {"mask_data": np.eye(2, dtype=np.uint8), "class_labels": {0: "no", 1: "yes"}}},
)
table = wandb.Table(columns=["n", "when", "img", "vector", "any"])
table.add_data(1, datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), wandb.Image(pixels), [0.5, 1.0], {"a": 1})
table.add_data(2.5, None, layered, [1.0], None)
mixed = wandb.Table(columns=["x"], data=[[1], ["a"]], allow_mixed_types=True)
with wandb.init(id="writer") as run:
    a = wandb.Artifact("objects", "dataset")
    for name, obj in {"tab": table, "mixed": mixed, "pic": layered, "page": wandb.Html("<i>", inject=False)}.items():
        a.add(obj, name)
    run.log_artifact(a).wait()
