package main

import (
	"os"

	"github.com/wandb-agent/wandb-agent/exporters/wandb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/auth"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

// connect makes the client for a run that is to be sent. It opens no
// connection.
func connect(found upload.Found) (*api.Client, error) {
	o := api.Options{UserAgent: "wandb-agent/" + wandb.Version}
	if w := found.Run.GetWriter(); w.GetShared() {
		o.Shared = &api.SharedWriter{ClientID: w.GetId()}
	}
	c, err := auth.Connect(auth.NewSource(os.Environ(), ""), o)
	if err != nil {
		return nil, err
	}
	return c.Client, nil
}
