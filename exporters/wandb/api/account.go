package api

import (
	"context"
	"encoding/json"
	"time"
)

// An Alert is a message to the people who watch a run.
type Alert struct {
	Title, Text string
	Level       string        // INFO, WARN or ERROR; empty is INFO
	Wait        time.Duration // between two alerts with one title; sent in milliseconds
}

var notifyAlert = operation{"NotifyScriptableRunAlert", `mutation NotifyScriptableRunAlert($entityName: String!, $projectName: String!, $runName: String!, $title: String!, $text: String!, $severity: AlertSeverity = INFO, $waitDuration: Duration) {
  notifyScriptableRunAlert(input: {entityName: $entityName, projectName: $projectName, runName: $runName, title: $title, text: $text, severity: $severity, waitDuration: $waitDuration}) { success }
}`}

// Alert sends an alert of a run.
func (c *Client) Alert(ctx context.Context, entity, project, run string, a Alert) error {
	var out struct{ NotifyScriptableRunAlert struct{ Success bool } }
	if a.Level == "" {
		a.Level = "INFO"
	}
	v := vars{
		"entityName": entity, "projectName": project, "runName": run,
		"title": a.Title, "text": a.Text, "severity": a.Level, "waitDuration": a.Wait.Milliseconds(),
	}
	if err := c.query(ctx, notifyAlert, v, &out, GraphQL); err != nil {
		return err
	}
	if !out.NotifyScriptableRunAlert.Success {
		return lacking(notifyAlert, "success")
	}
	return nil
}

// A User is who the credentials belong to.
type User struct {
	ID, Username, Email string
	Entity              string   // where runs go that name none
	Teams               []string // further entities
	Flags               string   // JSON of account preferences
}

// SaveCode is the account preference to keep the source of programs.
func (u *User) SaveCode() bool {
	var flags struct {
		CodeSaving bool `json:"code_saving_enabled"`
	}
	return json.Unmarshal([]byte(u.Flags), &flags) == nil && flags.CodeSaving
}

var viewer = operation{"Viewer", `query Viewer { viewer { id entity username email flags teams { edges { node { name } } } } }`}

// Viewer asks who the credentials belong to. A server that does not know them
// answers with an error whose verdict is Auth, or with nobody, which is the
// same Error here.
func (c *Client) Viewer(ctx context.Context) (*User, error) {
	var out struct {
		Viewer *struct {
			User
			Teams struct {
				Edges []struct{ Node struct{ Name string } }
			}
		}
	}
	if err := c.query(ctx, viewer, vars{}, &out, GraphQL); err != nil {
		return nil, err
	}
	if out.Viewer == nil {
		return nil, &Error{Op: viewer.name, Status: 401, Messages: []string{"the server does not know these credentials"}}
	}
	u := out.Viewer.User
	for _, e := range out.Viewer.Teams.Edges {
		u.Teams = append(u.Teams, e.Node.Name)
	}
	return &u, nil
}

// Names of features that this module asks for.
const (
	FeatureFilestreamGzip        = "FILESTREAM_GZIP"
	FeatureStructuredConsoleLogs = "STRUCTURED_CONSOLE_LOGS"
	FeatureUseArtifactWithEntity = "USE_ARTIFACT_WITH_ENTITY_AND_PROJECT_INFORMATION"
	FeatureArtifactTags          = "ARTIFACT_TAGS"
)

var serverFeatures = operation{"ServerFeaturesQuery", `query ServerFeaturesQuery { serverInfo { features { name isEnabled } } }`}

// Features returns what the server can do beyond the ordinary, by name. It asks
// once; a server that does not know the question has no features. The map is
// the caller's to read, not to change.
func (c *Client) Features(ctx context.Context) (map[string]bool, error) {
	c.featureMu.Lock()
	known := c.features
	c.featureMu.Unlock()
	if known != nil {
		return known, nil
	}
	var out struct {
		ServerInfo *struct {
			Features []struct {
				Name      string
				IsEnabled bool
			}
		}
	}
	if err := c.query(ctx, serverFeatures, vars{}, &out, GraphQL); err != nil && !unknownQuestion(err) {
		return nil, err
	}
	features := map[string]bool{}
	if out.ServerInfo != nil {
		for _, f := range out.ServerInfo.Features {
			features[f.Name] = f.IsEnabled
		}
	}
	c.featureMu.Lock()
	c.features = features
	c.featureMu.Unlock()
	return features, nil
}
