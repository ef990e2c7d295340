"""What the official client reads of the media that a program of ours logged."""

import json
import os

import numpy as np
import wandb

api = wandb.Api()
run = api.run("proof/mediaobjects")
rows = list(run.scan_history())


def plain(v):
    if isinstance(v, wandb.Image):
        pixels = np.asarray(v.image.convert("RGB")).tolist()
        masks = {k: np.asarray(wandb.Image(m._path).image).tolist() for k, m in (v._masks or {}).items()}
        boxes = {k: b._val for k, b in (v._boxes or {}).items()}
        classes = sorted([c["id"], c["name"]] for c in v._classes._class_set) if v._classes else None
        return {"image": pixels, "caption": v._caption, "masks": masks, "boxes": boxes, "classes": classes}
    if isinstance(v, wandb.data_types.WBValue):
        with open(v._path, "rb") as f:
            return {type(v).__name__: len(f.read()), "caption": v._caption}
    return v.isoformat() if hasattr(v, "isoformat") else v


def table(t):
    return {"columns": t.columns, "rows": [[plain(c) for c in row] for row in t.data], "types": {k: str(v) for k, v in t._column_types.params["type_map"].items() if not str(v).startswith("Image")}}


files = {f.name: f.size for f in run.files() if f.name.startswith("media/")}
named = []
for row in rows:
    for v in row.values():
        if isinstance(v, dict) and "path" in v:
            named.append(v["path"])
            assert files[v["path"]] == v["size"], v
        for name in v.get("filenames", []) if isinstance(v, dict) else []:
            named.append(name)
            assert name in files, name
logged = api.artifact("proof/run-mediaobjects-predictions:latest")
added = api.artifact("proof/objects:latest")
print(json.dumps({
    "named": len(named), "summary": run.summary["best"]["_type"],
    "logged": table(logged.get("predictions")), "type": logged.type,
    "added": table(added.get("tab")), "pic": plain(added.get("pic")), "page": plain(added.get("page")), "cloud": plain(added.get("cloud")),
    "chart": sorted(json.loads(run.json_config)["_wandb"]["value"]["visualize"]),
}, default=str))
