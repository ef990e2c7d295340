module github.com/wandb-agent/wandb-agent/interop

go 1.26.0

require github.com/wandb-agent/wandb-agent v0.0.0

replace github.com/wandb-agent/wandb-agent => ../
