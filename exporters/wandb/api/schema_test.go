package api

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/graph-gophers/graphql-go"
)

// every is each operation of the package; TestEverythingSentIsDocumented says
// when one is left out.
var every = []operation{
	upsertBucket, runResumeStatus, rewindRun, createRunFiles, notifyAlert, viewer,
	serverFeatures, createArtifact, createArtifactManifest, updateArtifactManifest, createArtifactFiles, completeMultipart,
	commitArtifact, useArtifact, linkArtifact, fetchOrgEntity, clientIDMapping, artifactByName, artifactManifest,
	artifactEntryURLs, artifactFileURLs, runFiles,
}

// TestOperationsFitTheSchema: fields, arguments and types are those that the
// proving server knows, which official clients use too.
func TestOperationsFitTheSchema(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "server", "schema.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := graphql.ParseSchema(string(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range every {
		for _, e := range schema.Validate(op.text) {
			if e.Rule != "VariablesOfCorrectType" { // here they have no values
				t.Errorf("%s: %s: %v", op.name, e.Rule, e)
			}
		}
	}
	if wrong := schema.Validate(`query Viewer { viewer { nosuch } }`); len(wrong) == 0 {
		t.Error("the schema takes a field that it does not have")
	}
}
