"""Artifacts: files, folders, references, aliases, increments, use, download, link."""

import http.server
import os
import tempfile
import threading

import wandb


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


said = []  # printed in the end: no word for the console of a run
with tempfile.TemporaryDirectory() as base:
    os.makedirs(os.path.join(base, "dir/sub"))
    for name, text in (("one.txt", "one\n"), ("dir/two.txt", "two\n"), ("dir/sub/three.txt", "three\n")):
        with open(os.path.join(base, name), "w") as f:
            f.write(text)
    far = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: Handler(*args, directory=base))
    threading.Thread(target=far.serve_forever, daemon=True).start()
    with wandb.init(id="artifact") as run:
        run.log({"x": 1})
        first = wandb.Artifact("data", type="dataset", description="d", metadata={"rows": 3, "nested": {"a": [1, None]}})
        first.add_file(os.path.join(base, "one.txt"))
        first.add_dir(os.path.join(base, "dir"), name="all")
        with first.new_file("made.txt") as f:
            f.write("made\n")
        run.log_artifact(first, aliases=["latest", "best"], tags=["t1"]).wait()
        elsewhere = wandb.Artifact("elsewhere", type="dataset")
        elsewhere.add_reference(f"http://127.0.0.1:{far.server_port}/one.txt", name="far.txt")
        elsewhere.add_reference("file://" + os.path.join(base, "one.txt"), name="near.txt")
        run.log_artifact(elsewhere).wait()
        again = wandb.Artifact("data", type="dataset", metadata={"rows": 4})
        again.add_file(os.path.join(base, "one.txt"))
        again.add_file(os.path.join(base, "dir/two.txt"), name="new.txt")
        run.log_artifact(again).wait()
        added = wandb.Artifact("data", type="dataset", incremental=True)
        added.add_file(os.path.join(base, "dir/sub/three.txt"), name="added.txt")
        run.log_artifact(added).wait()
        same = wandb.Artifact("data", type="dataset", metadata={"rows": 4})
        same.add_file(os.path.join(base, "one.txt"))
        same.add_file(os.path.join(base, "dir/two.txt"), name="new.txt")
        same = run.log_artifact(same, aliases=["again"]).wait()
        said.append(("same content is version", same.version))
        run.link_artifact(first, "collected/best-data", aliases=["prod"])
    with wandb.init(id="artifact-use") as run:
        run.log({"x": 1})
        got = run.use_artifact("data:best")
        where = got.download(root=os.path.join(base, "down"), skip_cache=True)
        said.append(("downloaded", sorted(os.path.relpath(os.path.join(d, f), where) for d, _, fs in os.walk(where) for f in fs)))
        said.append(("entries", sorted(got.manifest.entries), got.version, sorted(got.aliases), got.metadata))
        down = run.use_artifact("elsewhere:v0").download(root=os.path.join(base, "refs"), skip_cache=True)
        said.append(("references", sorted(os.listdir(down))))
        said.append(("increment", sorted(run.use_artifact("data:v2").manifest.entries)))
for words in said:
    print(*words)
