"""The source of the program, as an artifact."""

import os

import wandb

for name in ("train.py", "lib/net.py", "lib/notes.ipynb", "cache/old.py", "README.md"):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    with open(name, "w") as f:
        f.write(name)

run = wandb.init()
run.log_code(".", name="all-python")
run.log_code(
    ".",
    name="chosen",
    include_fn=lambda path: path.endswith(".py") or path.endswith(".ipynb"),
    exclude_fn=lambda path, root: os.path.relpath(path, root).startswith("cache/"),
)
