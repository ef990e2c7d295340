"""The five ways in which a file's folder in the run comes about."""

import os

import wandb

root = os.getcwd()
for path in ("these/are/myfiles/a.txt", "Documents/run123/b.txt", "files/one/saveme.txt", "files/two/saveme.txt"):
    os.makedirs(os.path.dirname(path))
    with open(path, "w") as f:
        f.write(path)

run = wandb.init()
wandb.save("these/are/myfiles/*")  # these/are/myfiles/
wandb.save("these/are/myfiles/*", base_path="these")  # are/myfiles/
wandb.save(root + "/Documents/run123/*.txt")  # run123/
wandb.save(root + "/Documents/run123/*.txt", base_path=root)  # Documents/run123/
wandb.save("files/*/saveme.txt")  # files/one/, files/two/
run.log({"saved": 5})
