package rank

import "testing"

func TestLauncher(t *testing.T) {
	f := func(want string, preemptible bool, names ...string) {
		t.Helper()
		env := map[string]string{"HOME": "/"}
		for _, name := range names {
			env[name] = "1"
		}
		if got := Launcher(env); got != want || Preemptible(env) != preemptible {
			t.Errorf("%q: launcher %q, preemptible %v; want %q, %v", names, got, Preemptible(env), want, preemptible)
		}
	}
	f("", false)
	f("torchrun", false, "TORCHELASTIC_RUN_ID", "RANK")
	f("torchrun", true, "SLURM_JOB_ID", "TORCHELASTIC_RUN_ID")
	f("slurm", true, "SLURM_JOB_ID", "KUBERNETES_SERVICE_HOST")
	f("kubernetes", true, "KUBERNETES_SERVICE_HOST")
	f("ray", false, "RAY_JOB_ID")
}
