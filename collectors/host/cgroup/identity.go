package cgroup

import (
	"bytes"
	"strings"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// identity is what a cgroup path says about who a process belongs to.
type identity struct {
	container string // 64 hex digits
	pod       string // Kubernetes pod UID
	slurmJob  string
	slurmStep string
}

// identify reads a path segment by segment; the innermost match wins, so a
// container inside a pod inside a container is the innermost one.
func identify(p string) identity {
	var id identity
	slurm := false
	for seg := range strings.SplitSeq(p, "/") {
		for part := range strings.SplitSeq(seg, ":") {
			if c, ok := containerID(part); ok {
				id.container = c
			}
		}
		if uid, ok := podUID(seg); ok {
			id.pod = uid
		}
		if isSlurm(seg) {
			slurm = true
		}
		if job, ok := numbered(seg, "job_"); slurm && ok {
			id.slurmJob = job
		}
		if step, ok := strings.CutPrefix(seg, "step_"); slurm && ok && step != "" {
			id.slurmStep = step
		}
	}
	return id
}

// containerID takes 64 hex digits with or without a runtime's prefix
// (docker-, cri-containerd-, crio-, libpod-) and .scope.
func containerID(seg string) (string, bool) {
	seg = strings.TrimSuffix(seg, ".scope")
	if i := strings.LastIndexByte(seg, '-'); i >= 0 {
		switch seg[:i] {
		case "docker", "cri-containerd", "crio", "libpod":
			seg = seg[i+1:]
		}
	}
	return seg, isHex(seg, 64)
}

// podUID takes pod<UID>, or kubepods[-qos]-pod<UID with _>.slice.
func podUID(seg string) (string, bool) {
	if s, ok := strings.CutSuffix(seg, ".slice"); ok {
		if !strings.HasPrefix(s, "kubepods") {
			return "", false
		}
		if i := strings.LastIndex(s, "-pod"); i >= 0 {
			s = s[i+1:]
		}
		seg = strings.ReplaceAll(s, "_", "-")
	}
	uid, ok := strings.CutPrefix(seg, "pod")
	return uid, ok && isUID(uid)
}

// isUID accepts a UUID, or the 32 hex digits that static pods have.
func isUID(s string) bool {
	if isHex(s, 32) {
		return true
	}
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' &&
		isHex(strings.ReplaceAll(s, "-", ""), 32)
}

func isHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// isSlurm matches the segment that opens a Slurm subtree: slurm or
// slurm_<node> (v1), [<node>_]slurmstepd.scope (v2).
func isSlurm(seg string) bool {
	return seg == "slurm" || strings.HasPrefix(seg, "slurm_") ||
		seg == "slurmstepd.scope" || strings.HasSuffix(seg, "_slurmstepd.scope")
}

func numbered(seg, prefix string) (string, bool) {
	n, ok := strings.CutPrefix(seg, prefix)
	if !ok || n == "" {
		return "", false
	}
	for i := range len(n) {
		if n[i] < '0' || n[i] > '9' {
			return "", false
		}
	}
	return n, true
}

// identifyMounts looks at where the files that a runtime mounts into a
// container come from, for a process whose cgroup namespace hides its path:
// …/containers/<id>/hostname (Docker, Podman), …/pods/<uid>/etc-hosts (kubelet).
func identifyMounts(mounts []mount) (id identity) {
	for _, m := range mounts {
		switch m.point {
		case "/etc/hostname", "/etc/hosts", "/etc/resolv.conf":
		default:
			continue
		}
		seg := strings.Split(m.root, "/")
		for i := 1; i < len(seg); i++ {
			switch prev := seg[i-1]; {
			case (prev == "containers" || prev == "overlay-containers") && isHex(seg[i], 64):
				id.container = seg[i]
			case prev == "pods" && isUID(seg[i]):
				id.pod = seg[i]
			}
		}
	}
	return id
}

// slurmNames are the only environment entries that are taken.
var slurmNames = []string{
	"SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID", "SLURM_NTASKS",
	"SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_CLUSTER_NAME", "SLURM_RESTART_COUNT",
}

// slurmEnv takes the allowed names out of an environment block. The block holds
// secrets: nothing else of it may leave this function.
func slurmEnv(env []byte) map[string]string {
	var job map[string]string
	for item := range bytes.SplitSeq(env, []byte{0}) {
		name, value, ok := bytes.Cut(item, []byte{'='})
		if !ok || !allowed(name) {
			continue
		}
		if job == nil {
			job = make(map[string]string)
		}
		job[strings.ToLower(strings.TrimPrefix(string(name), "SLURM_"))] = string(value)
	}
	return job
}

func allowed(name []byte) bool {
	for _, n := range slurmNames {
		if string(name) == n {
			return true
		}
	}
	return false
}

// fill writes what is known into the facts; what is known there already from a
// better source stays.
func (id identity) fill(f *sample.Facts) {
	if id.container != "" {
		f.ContainerID = id.container
	}
	if id.pod != "" {
		f.KubePodUID = id.pod
	}
	setIfAbsent(f, "job_id", id.slurmJob)
	setIfAbsent(f, "step_id", id.slurmStep)
}

func setIfAbsent(f *sample.Facts, key, value string) {
	if value == "" {
		return
	}
	if f.SlurmJob == nil {
		f.SlurmJob = make(map[string]string)
	}
	if _, ok := f.SlurmJob[key]; !ok {
		f.SlurmJob[key] = value
	}
}
