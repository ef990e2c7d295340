"""Writes event files with tensorboardX below the directory given, puts one that
TensorFlow 2's way of writing gave beside them, and has the official client follow
them as sync_tensorboard does when a writer is made."""

import os
import shutil
import socket
import sys
import time

import numpy as np
import tensorboardX
import wandb

root = sys.argv[1]
run = wandb.init()
time.sleep(1.1)  # the client takes files of a later second only


def follow(name):
    directory = os.path.join(root, name)
    writer = tensorboardX.SummaryWriter(directory)
    run._tensorboard_callback(directory, save=True, root_logdir=root)
    return writer


tensors = os.path.join(root, "tensors")
os.makedirs(tensors)
shutil.copy(sys.argv[2], os.path.join(tensors, f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.1.0.v2"))
run._tensorboard_callback(tensors, save=True, root_logdir=root)
train, evaluate = follow("train"), follow("deep/eval")
start = time.time()
for step in range(5):
    train.add_scalar("loss", 1 / (step + 3), step, walltime=start + step)
    train.add_scalar("acc/top1", float("nan") if step == 2 else step, step, walltime=start + step + 0.25)
    train.add_histogram("few", np.arange(100.0) * step - 3, step, bins=[-3, 0, 1, 2, 50, 400], walltime=start + step + 0.5)
    train.add_histogram("many", np.arange(100.0) * step - 3, step, walltime=start + step + 0.75)
for step in (10, 20, 15):  # goes back
    evaluate.add_scalar("loss", step / 8, step, walltime=start + step)
evaluate.add_image("image", np.full((3, 4, 5), 7, dtype=np.uint8), 15, walltime=start + 16)
evaluate.add_text("note", "not taken", 15, walltime=start + 17)
train.close()
evaluate.close()
time.sleep(2)
run.finish()
