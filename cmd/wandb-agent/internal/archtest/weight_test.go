package archtest

import (
	"os/exec"
	"strings"
	"testing"
)

// TestWeight keeps weight out of training programs: they import runapi, and
// runapi/media for histograms and tables.
func TestWeight(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "./runapi", "./runapi/media")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	if !strings.Contains(string(out), "google.golang.org/protobuf/proto\n") {
		t.Error("the list lacks protobuf: it is not the list of runapi")
	}
	for pkg := range strings.Lines(string(out)) {
		if tooHeavy(strings.TrimSpace(pkg)) {
			t.Errorf("runapi reaches %s", strings.TrimSpace(pkg))
		}
	}
}

// tooHeavy says whether a package must not come with runapi.
func tooHeavy(pkg string) bool {
	for _, h := range []string{
		"google.golang.org/grpc", "github.com/hashicorp/go-plugin", "go.opentelemetry.io/",
		"github.com/prometheus/client_golang", "github.com/spf13/", "github.com/minio/", "github.com/graph-gophers/",
	} {
		if strings.HasPrefix(pkg, h) {
			return true
		}
	}
	return pkg == "image" || strings.HasPrefix(pkg, "image/") // codecs: runapi/media/picture and video have them
}

func TestTooHeavy(t *testing.T) {
	for pkg, want := range map[string]bool{
		"google.golang.org/grpc/codes": true, "go.opentelemetry.io/otel/sdk/metric": true, "github.com/minio/minio-go/v7": true, "image/png": true,
		"google.golang.org/protobuf/proto": false, "net/http": false,
	} {
		if got := tooHeavy(pkg); got != want {
			t.Errorf("%s: too heavy %v, want %v", pkg, got, want)
		}
	}
}
