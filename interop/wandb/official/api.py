"""What was written comes back through the public API; argument: only read."""

import json
import os
import sys
import tempfile

import wandb

if sys.argv[1:] != ["read"]:
    with wandb.init(id="api", name="read me", tags=["a"], notes="n", group="g", config={"lr": 0.1, "net": {"act": "relu"}}) as run:
        for i in range(5):
            run.log({"loss": 1 / (i + 1), "deep": {"x": i}})
        run.summary["best"] = 0.2
        with open("kept.txt", "w") as f:
            f.write("kept\n")
        run.save("kept.txt", policy="now")

api = wandb.Api()
got = api.run("proof/api")
with tempfile.TemporaryDirectory() as base:
    got.file("kept.txt").download(root=base)
    with open(os.path.join(base, "kept.txt")) as f:
        kept = f.read()
print(json.dumps({
    "name": got.name, "state": got.state, "tags": got.tags, "notes": got.notes, "group": got.group, "config": got.config,
    "summary": {k: v for k, v in dict(got.summary).items() if not k.startswith("_")},
    "history": [{k: v for k, v in row.items() if k in ("_step", "loss", "deep.x")} for row in got.history(pandas=False)],
    "scan": [row["loss"] for row in got.scan_history(keys=["loss"])],
    "files": sorted(f.name for f in got.files() if f.name not in ("output.log", "requirements.txt")), "kept": kept, "runs": sorted(r.id for r in api.runs("proof")),
}, sort_keys=True, default=dict))
