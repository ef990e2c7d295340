package cgroup

import (
	"os"
	"strings"
	"testing"
)

func TestIdentify(t *testing.T) {
	hex := strings.Repeat("0123456789abcdef", 4)
	inner := strings.Repeat("fedcba9876543210", 4)
	const uid = "0a1b2c3d-1111-2222-3333-444455556666"
	under := strings.ReplaceAll(uid, "-", "_")
	check := func(p string, want identity) {
		t.Helper()
		if got := identify(p); got != want {
			t.Errorf("identify(%q):\ngot  %+v\nwant %+v", p, got, want)
		}
	}
	check("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod"+under+".slice/crio-"+hex+".scope", identity{container: hex, pod: uid})
	check("/kubepods.slice/kubepods-pod"+under+".slice/docker-"+hex+".scope", identity{container: hex, pod: uid})
	check("/kubepods/burstable/pod"+uid+"/"+hex, identity{container: hex, pod: uid})
	check("/system.slice/containerd.service/kubepods-pod"+under+".slice:cri-containerd:"+hex, identity{container: hex})
	check("/kubepods/pod"+strings.Repeat("ab", 16)+"/"+hex, identity{container: hex, pod: strings.Repeat("ab", 16)})
	check("/system.slice/docker-"+hex+".scope", identity{container: hex})
	check("/docker/"+hex, identity{container: hex})
	check("/kubepods/pod"+uid+"/"+hex+"/docker/"+inner, identity{container: inner, pod: uid})
	check("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-"+hex+".scope/container", identity{container: hex})
	check("/system.slice/slurmstepd.scope/job_123/step_batch/user/task_0", identity{slurmJob: "123", slurmStep: "batch"})
	check("/system.slice/node1_slurmstepd.scope/job_9/step_0/user/task_3", identity{slurmJob: "9", slurmStep: "0"})
	check("/slurm_node1/uid_1000/job_77/step_extern/task_1", identity{slurmJob: "77", slurmStep: "extern"})
	check("/slurm/uid_1000/job_77", identity{slurmJob: "77"})
	check("/system.slice/slurmstepd.scope/s5K1ABCDEFG/step_0/user/task_0", identity{slurmStep: "0"})
	check("/jobs/job_5/step_1", identity{})
	check("/user.slice/session-3.scope", identity{})
	check("/docker/"+hex+"0", identity{})
	check("/podcast/"+strings.ToUpper(hex), identity{})
	check("/", identity{})
}

func TestSlurmEnvTakesTheListedNamesOnly(t *testing.T) {
	got := slurmEnv([]byte("WANDB_API_KEY=k\x00SLURM_JOB_ID=1\x00SLURM_PROCID=a=b\x00SLURM_JWT=token\x00SLURM_JOB_ID"))
	if len(got) != 2 || got["job_id"] != "1" || got["procid"] != "a=b" {
		t.Errorf("got %v, want job_id and procid", got)
	}
	if slurmEnv([]byte("HOME=/\x00")) != nil {
		t.Error("a job out of nothing")
	}
}

func TestParseMountinfo(t *testing.T) {
	got := parseMountinfo([]byte("36 35 98:0 /mnt\\0401 /mnt2\\134x rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue\nbroken line\n1 2 3:4 / /a rw - cgroup cgroup rw,cpu,cpuacct\n"))
	want := []mount{{"/mnt 1", "/mnt2\\x", "ext3", "rw,errors=continue"}, {"/", "/a", "cgroup", "rw,cpu,cpuacct"}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseCgroup(t *testing.T) {
	got := parseCgroup([]byte("9:name=systemd:/a:b\n4:memory:/x (deleted)\n0::/\nbroken\n1:cpu:relative\n"))
	want := []entry{{"name=systemd", "/a:b"}, {"memory", "/x"}, {"", "/"}}
	if len(got) != len(want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestBelow(t *testing.T) {
	check := func(p, root, want string, ok bool) {
		t.Helper()
		if got, k := below(p, root); k != ok || (ok && got != want) {
			t.Errorf("below(%q, %q): got %q %v, want %q %v", p, root, got, k, want, ok)
		}
	}
	check("/a/b", "/", "/a/b", true)
	check("/a/b", "/a", "/b", true)
	check("/a", "/a", "", true)
	check("/ab", "/a", "", false)
	check("/../x", "/", "", false)
	check("/../x/y", "/../x", "/y", true)
}

func FuzzParseCgroup(f *testing.F) {
	if b, err := os.ReadFile("/proc/self/cgroup"); err == nil {
		f.Add(b)
	}
	f.Add([]byte("0::/kubepods/pod0a1b2c3d-1111-2222-3333-444455556666/" + strings.Repeat("ab", 32) + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range parseCgroup(b) {
			id := identify(e.path)
			if id.container != "" && !strings.Contains(e.path, id.container) {
				t.Fatalf("container %q is not in %q", id.container, e.path)
			}
			if id.pod != "" && !isUID(id.pod) {
				t.Fatalf("pod %q of %q", id.pod, e.path)
			}
		}
	})
}

func FuzzParseMountinfo(f *testing.F) {
	if b, err := os.ReadFile("/proc/self/mountinfo"); err == nil {
		f.Add(b)
	}
	f.Add([]byte("1 2 3:4 / /a\\040b rw - cgroup cgroup rw,cpu\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list := parseMountinfo(b)
		l := locator{sys: "/nowhere", mounts: list}
		p := l.find([]entry{{"memory", "/../../etc"}, {"", "/../.."}}, "memory", "memory.current")
		if p.found() && hasDotDot(p.dir) {
			t.Fatalf("mounts %q lead to %q", b, p.dir)
		}
	})
}

func FuzzFlatFiles(f *testing.F) {
	f.Add([]byte("user_usec 1\nsystem_usec 2\nthrottled_usec 18446744073709551615\n"))
	f.Add([]byte("anon 5\ninactive_file 7\nlow 1\noom_kill 2\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var a, again memoryStat
		a.parse(b, true)
		again.parse(append(append([]byte{}, b...), "\nno_such_key 1\n"...), true)
		if a != again {
			t.Fatalf("memory.stat %q: %+v, with an unknown line %+v", b, a, again)
		}
	})
}
