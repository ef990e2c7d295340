"""One value of each kind of media."""

import os
import struct
import tempfile
import wave

import numpy as np
import plotly.graph_objects as go

import wandb

GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

with tempfile.TemporaryDirectory() as base:
    sound, clip, mesh = (os.path.join(base, n) for n in ("tone.wav", "clip.gif", "mesh.obj"))
    with wave.open(sound, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(b"".join(struct.pack("<h", (i % 80) * 100) for i in range(800)))
    with open(clip, "wb") as f:
        f.write(GIF)
    with open(mesh, "w") as f:
        f.write("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    run = wandb.init()
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    boxes = {"predictions": {"box_data": [{"position": {"minX": 0.1, "maxX": 0.2, "minY": 0.3, "maxY": 0.4}, "class_id": 1, "scores": {"acc": 0.5}}], "class_labels": {1: "cat"}}}
    mask = {"truth": {"mask_data": np.eye(4, dtype=np.uint8), "class_labels": {0: "no", 1: "yes"}}}
    run.log({"image": wandb.Image(pixels, caption="one", boxes=boxes, masks=mask), "images": [wandb.Image(pixels), wandb.Image(255 - pixels)]})
    run.log({"audio": wandb.Audio(sound, caption="tone"), "video": wandb.Video(clip, caption="clip")})
    run.log({"html": wandb.Html("<b>bold</b>"), "mesh": wandb.Object3D(open(mesh))})
    run.log({"cloud": wandb.Object3D(np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]))})
    run.log({"plot": go.Figure(data=[go.Scatter(x=[1, 2], y=[3, 4])], layout={"template": "none"})})
    run.log({"histogram": wandb.Histogram(np_histogram=([1, 2, 3], [0.0, 1.0, 2.0, 3.0])), "array": np.arange(100.0)})
    run.log({"table": wandb.Table(columns=["n", "text", "flag"], data=[[1, "a", True], [2.5, "b", None]])})
    run.log({"chart": wandb.plot.line(wandb.Table(columns=["x", "y"], data=[[0, 1], [1, 2]]), "x", "y", title="t")})
    run.finish()
