"""What a run is called: name, group, job type, tags and notes, changed later."""

import wandb

run = wandb.init(name="first name", group="g", job_type="train", tags=["a", "b"], notes="two\nlines")
run.tags += ("c",)
run.notes = "other notes"
run.name = "second name"
run.log({"x": 1})
run.finish()
