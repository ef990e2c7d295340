package runapi

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestDependencies keeps weight out of training programs: they import runapi.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	heavy := []string{"google.golang.org/grpc", "github.com/hashicorp/go-plugin", "go.opentelemetry.io/", "github.com/prometheus/client_golang", "net/http", "github.com/spf13/", "go.yaml.in/"}
	seen := false
	for pkg := range strings.Lines(string(out)) {
		pkg = strings.TrimSpace(pkg)
		seen = seen || pkg == "google.golang.org/protobuf/proto"
		for _, h := range heavy {
			if strings.HasPrefix(pkg, h) {
				t.Errorf("runapi reaches %s", pkg)
			}
		}
	}
	if !seen {
		t.Error("the list lacks protobuf: it is not the list of this package")
	}
}

// TestLibraryKeepsStill looks for what a library in somebody's program must
// not do.
func TestLibraryKeepsStill(t *testing.T) {
	banned := regexp.MustCompile(`\bpanic\(|os\.Exit|log\.Fatal|fmt\.Print|func init\(\)|slog\.Default|exec\.Command|os\.(Getenv|LookupEnv)`)
	environ := regexp.MustCompile(`os\.Environ`)
	places := 0
	for _, dir := range []string{".", "../exporters/wandb", "../exporters/wandb/redact"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := e.Name()
			if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(dir + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if code, _, _ := strings.Cut(line, "//"); banned.MatchString(code) {
					t.Errorf("%s/%s: %s", dir, name, strings.TrimSpace(line))
				} else if environ.MatchString(code) {
					places++
				}
			}
		}
	}
	if places != 1 {
		t.Errorf("the environment is read in %d places, want 1", places)
	}
}
