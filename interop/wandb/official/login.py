"""The key is checked against the server."""

import wandb

assert wandb.login(verify=True)
print("viewer:", wandb.Api().viewer.username)
try:
    wandb.login(key="1" * 40, verify=True, relogin=True)
except wandb.errors.AuthenticationError as e:
    print("refused:", type(e).__name__)
else:
    raise SystemExit("a wrong key was taken")
