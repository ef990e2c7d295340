package otel

import (
	"runtime"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// attributes collects resource attributes; what is not known is left out.
type attributes []attribute.KeyValue

func (a *attributes) text(key, value string) {
	if value != "" {
		*a = append(*a, attribute.String(key, valid(value)))
	}
}

// resourceOf describes the host and, for a run, the program it follows. Names
// are those of the OpenTelemetry semantic conventions. Later attributes win:
// the environment's (env, OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME) over
// what was found, and the user's own over both.
func resourceOf(f *sample.Facts, run sample.RunID, env *resource.Resource, own map[string]string) *resource.Resource {
	var a attributes
	a.text("service.name", "wandb-agent")
	a.text("host.name", f.Hostname)
	a.text("host.arch", runtime.GOARCH)
	a.text("host.cpu.model.name", f.CPUModel)
	a.text("os.type", runtime.GOOS)
	a.text("os.description", f.OS)
	a.text("os.version", f.Kernel)
	if run != "" {
		a.program(f, run)
	}
	a = append(a, env.Attributes()...)
	for k, v := range own {
		a.text(valid(k), v)
	}
	return resource.NewSchemaless(a...)
}

// program adds what is known of the run's program.
func (a *attributes) program(f *sample.Facts, run sample.RunID) {
	a.text("wandb.run.id", string(run))
	if f.ProcessPID != 0 {
		*a = append(*a, attribute.Int("process.pid", f.ProcessPID))
	}
	a.text("process.executable.path", f.ProcessExe)
	a.text("process.executable.name", f.ProcessExe[strings.LastIndexByte(f.ProcessExe, '/')+1:])
	if len(f.ProcessArgs) > 0 {
		args := make([]string, len(f.ProcessArgs))
		for i, arg := range f.ProcessArgs {
			args[i] = valid(arg)
		}
		*a = append(*a, attribute.StringSlice("process.command_args", args))
	}
	if !f.ProcessStart.IsZero() {
		a.text("process.creation.time", f.ProcessStart.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	a.text("container.id", f.ContainerID)
	a.text("k8s.pod.uid", f.KubePodUID)
}

// valid makes s encodable: protobuf refuses a message with invalid UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
