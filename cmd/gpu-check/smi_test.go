package main

import (
	"os"
	"testing"
)

func TestNumber(t *testing.T) {
	for text, want := range map[string]float64{"81559 MiB": 81559, "71.02 W": 71.02, " P0 ": 0, "P12": 12, "0 %": 0} {
		if v, is := number(text); !is || v != want {
			t.Errorf("%q: got %v, %v, want %v", text, v, is, want)
		}
	}
	for _, text := range []string{"", "N/A", "[Unknown Error]", "NaN W", "Inf W"} {
		if v, is := number(text); is {
			t.Errorf("%q: got %v, want no number", text, v)
		}
	}
}

// TestOlderReleasesOfSMI: before R530 the power elements had other names.
func TestOlderReleasesOfSMI(t *testing.T) {
	gpus, err := parseSMI([]byte(`<nvidia_smi_log><gpu id="1"><uuid>GPU-1</uuid><power_readings>
		<power_draw>70.50 W</power_draw><power_limit>300.00 W</power_limit><enforced_power_limit>250.00 W</enforced_power_limit>
		</power_readings></gpu></nvidia_smi_log>`))
	if err != nil {
		t.Fatal(err)
	}
	if d, l := averageDraw(gpus["GPU-1"]), limit(gpus["GPU-1"]); d != "70.50 W" || l != "250.00 W" {
		t.Errorf("got draw %q and limit %q", d, l)
	}
}

// FuzzParseSMI: whatever comes out has a finite number or none.
func FuzzParseSMI(f *testing.F) {
	text, err := os.ReadFile("testdata/fixed.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`<nvidia_smi_log><gpu><uuid>x</uuid><temperature><gpu_temp>1e999 C</gpu_temp></temperature></gpu></nvidia_smi_log>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		gpus, err := parseSMI(text)
		if err != nil {
			return
		}
		for _, g := range gpus {
			for _, q := range quantities {
				if v, is := number(q.theirs(g)); is && v-v != 0 {
					t.Errorf("%s: got %v", q.name, v)
				}
			}
		}
	})
}
