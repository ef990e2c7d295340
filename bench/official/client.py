"""What the bench has the official W&B client do.

    online ROWS          a run of ROWS rows of five numbers
    offline ROWS KEYS THREADS
                         rows of KEYS numbers, from so many threads
    put NAME PATH        a file or directory as an artifact
    get NAME DIR         an artifact of project bench, into DIR

Prints the seconds from the first call to the end of the last one, without the
start of Python and of the run.
"""

import os
import sys
import threading
import time

import wandb


def online(rows):
    run = wandb.init(project="bench", settings=wandb.Settings(console="off", x_disable_stats=True))
    start = time.perf_counter()
    for i in range(rows):
        run.log({"loss": 1 / (i + 1), "acc": i / rows, "lr": 0.001, "grad": i % 7, "tokens": i * 512})
    run.finish()
    return time.perf_counter() - start


def offline(rows, keys, threads):
    run = wandb.init(project="bench", settings=wandb.Settings(console="off", x_disable_stats=True))
    names = [f"metric_{i}" for i in range(keys)]

    def work():
        for n in range(rows // threads):
            run.log({name: n / (i + 1) for i, name in enumerate(names)})

    workers = [threading.Thread(target=work) for _ in range(threads)]
    start = time.perf_counter()
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    run.finish()
    return time.perf_counter() - start


def put(name, path):
    run = wandb.init(project="bench", settings=wandb.Settings(console="off", x_disable_stats=True))
    start = time.perf_counter()
    artifact = wandb.Artifact(name, "dataset")
    if os.path.isdir(path):
        artifact.add_dir(path, policy="immutable")
    else:
        artifact.add_file(path, policy="immutable")
    run.log_artifact(artifact).wait()
    seconds = time.perf_counter() - start
    run.finish()
    return seconds


def get(name, root):
    artifact = wandb.Api().artifact(f"bench/{name}:latest")
    start = time.perf_counter()
    artifact.download(root)
    return time.perf_counter() - start


verb, args = sys.argv[1], sys.argv[2:]
if verb == "online":
    seconds = online(int(args[0]))
elif verb == "offline":
    seconds = offline(*map(int, args))
else:
    seconds = {"put": put, "get": get}[verb](*args)
print(f"seconds={seconds:.3f}")
