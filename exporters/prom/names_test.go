package prom

import (
	"regexp"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

func TestMetricName(t *testing.T) {
	for _, c := range []struct {
		name, unit string
		kind       sample.Kind
		want       string
	}{
		{"system.cpu.time", "s", sample.Counter, "system_cpu_time_seconds_total"},
		{"system.memory.usage", "By", sample.UpDown, "system_memory_usage_bytes"},
		{"hw.gpu.utilization", "1", sample.Gauge, "hw_gpu_utilization_ratio"},
		{"hw.gpu.utilization", "1", sample.UpDown, "hw_gpu_utilization"},
		{"hw.errors.share", "1", sample.Counter, "hw_errors_share_total"},
		{"hw.fan.speed_ratio", "1", sample.Gauge, "hw_fan_speed_ratio"},
		{"hw.power", "W", sample.Gauge, "hw_power_watts"},
		{"hw.energy", "J", sample.Counter, "hw_energy_joules_total"},
		{"hw.temperature", "Cel", sample.Gauge, "hw_temperature_celsius"},
		{"hwx.gpu.clock.frequency", "Hz", sample.Gauge, "hwx_gpu_clock_frequency_hertz"},
		{"hwx.gpu.pcie.throughput", "By/s", sample.Gauge, "hwx_gpu_pcie_throughput_bytes_per_second"},
		{"hwx.gpu.pcie.link.speed", "bit/s", sample.Gauge, "hwx_gpu_pcie_link_speed_bits_per_second"},
		{"hw.fan.speed", "rpm", sample.Gauge, "hw_fan_speed_rpm"},
		{"system.cpu.logical.count", "{cpu}", sample.UpDown, "system_cpu_logical_count"},
		{"system.network.packet.count", "{packet}", sample.Counter, "system_network_packet_count_total"},
		{"x.rate", "{packet}/s", sample.Gauge, "x_rate_per_second"},
		{"requests.total", "{request}", sample.Counter, "requests_total"},
		{"total.requests", "", sample.Counter, "requests_total"},
		{"read.bytes", "By", sample.Gauge, "read_bytes"},
		{"a..b--c", "", sample.Gauge, "a_b_c"},
		{"2xx", "", sample.Gauge, "_2xx"},
		{"job:x", "", sample.Gauge, "job:x"},
		{"größe", "", sample.Gauge, "gr_e"},
		{"", "", sample.Gauge, "_"},
		{"\xff", "{", sample.Gauge, "_"},
		{sample.RowName, "", sample.Gauge, "wandb_history"},
	} {
		if got := MetricName(c.name, c.unit, c.kind); got != c.want {
			t.Errorf("MetricName(%q, %q, %v) = %q, want %q", c.name, c.unit, c.kind, got, c.want)
		}
	}
}

func TestLabelName(t *testing.T) {
	for in, want := range map[string]string{
		"cpu.mode": "cpu_mode", "key": "key", "0x": "key_0x", "_a": "key_a", "__name__": "key__name__", "": "key_", "a\xffb": "a_b", "ü": "key_",
	} {
		if got := labelName(in); got != want {
			t.Errorf("labelName(%q) = %q, want %q", in, got, want)
		}
	}
}

var (
	validMetric = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	validLabel  = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]*$`)
)

// Whatever the bytes, names are valid.
func FuzzNames(f *testing.F) {
	f.Add("system.cpu.time", "s")
	f.Add("\xff", "{x}/{")
	f.Add("1", "1/1/1")
	f.Fuzz(func(t *testing.T, name, unit string) {
		for _, kind := range []sample.Kind{sample.Gauge, sample.Counter, sample.UpDown} {
			if got := MetricName(name, unit, kind); !validMetric.MatchString(got) {
				t.Errorf("MetricName(%q, %q, %v) = %q: not valid", name, unit, kind, got)
			}
		}
		if got := labelName(name); !validLabel.MatchString(got) {
			t.Errorf("labelName(%q) = %q: not valid", name, got)
		}
	})
}
