"""The four ways to resume, on runs that exist and on runs that do not."""

import wandb


def refused(**kw):
    try:
        wandb.init(settings=wandb.Settings(init_timeout=60), **kw)
    except wandb.errors.Error as e:
        print("refused:", type(e).__name__)
        wandb.teardown()  # the client keeps the id of a run that was refused
    else:
        raise SystemExit(f"init took {kw}")


def go(rows, **kw):
    with wandb.init(**kw) as run:
        for x in rows:
            run.log({"x": x})
        return run.step, run.resumed


refused(id="resume", resume="must")
print(go([0, 1, 2], id="resume", resume="allow", config={"lr": 0.1, "old": 1}))
refused(id="resume", resume="never")
print(go([3, 4], id="resume", resume="must", config={"lr": 0.2, "new": 2}))
print(go([5], id="resume", resume="allow"))
print(go([0], id="resume2", resume="never"))
print(go([0], id="resume3", resume="auto"))
print(go([1], id="resume3", resume="allow"))
print(go([6], id="resume", resume_from="resume?_step=2"))
