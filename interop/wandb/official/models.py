"""Models: logged from a directory and a file, used, linked to a registered one."""

import os
import tempfile

import wandb

said = []  # printed in the end: no word for the console of a run
with tempfile.TemporaryDirectory() as base:
    os.makedirs(os.path.join(base, "net/sub"))
    for name in ("net/w.bin", "net/sub/vocab.txt", "one.bin", "other.bin"):
        with open(os.path.join(base, name), "w") as f:
            f.write(name + "\n")
    with wandb.init(id="models") as run:
        run.log({"x": 1})
        run.log_model(os.path.join(base, "net"), name="net", aliases=["best"])
        run.log_model(os.path.join(base, "one.bin"), name="single.v1")
        run.log_model(os.path.join(base, "one.bin"))
        run.link_model(os.path.join(base, "one.bin"), "registered", name="single.v1", aliases=["prod"])
        run.link_model(os.path.join(base, "other.bin"), "registered", name="single.v1")
    with wandb.init(id="models-use") as run:
        run.log({"x": 1})
        os.chdir(base)
        where = run.use_model("net:best")
        said.append(("directory", sorted(os.listdir(where))))
        said.append(("file", os.path.basename(run.use_model("single.v1:v0"))))
        with open(run.use_model("model-registry/registered:prod")) as f:
            said.append(("registered", f.read()))
        for bad in ("nobody:v0",):
            try:
                run.use_model(bad)
            except Exception as e:
                said.append(("refused", bad))
        os.chdir("/")
for words in said:
    print(*words)
