package rank

// marks are variables by which the programs that start training are known, in
// the order in which they are asked: the innermost first.
var marks = []struct{ variable, launcher string }{
	{"TORCHELASTIC_RUN_ID", "torchrun"},
	{"DEEPSPEED_VERSION", "deepspeed"},
	{"ACCELERATE_MIXED_PRECISION", "accelerate"},
	{"OMPI_COMM_WORLD_RANK", "openmpi"},
	{"PMI_RANK", "pmi"},
	{"RAY_JOB_ID", "ray"},
	{"SLURM_JOB_ID", "slurm"},
	{"SM_TRAINING_ENV", "sagemaker"},
	{"KUBERNETES_SERVICE_HOST", "kubernetes"},
}

// Launcher names what started a process with this environment, the innermost of
// several: torchrun, deepspeed, accelerate, openmpi, pmi, ray, slurm, sagemaker
// or kubernetes; "" when none of them did.
func Launcher(environ map[string]string) string {
	for _, m := range marks {
		if environ[m.variable] != "" {
			return m.launcher
		}
	}
	return ""
}

// Preemptible says whether a SIGTERM means that a scheduler takes the machine
// away: Slurm and Kubernetes send it before they kill.
func Preemptible(environ map[string]string) bool {
	return environ["SLURM_JOB_ID"] != "" || environ["KUBERNETES_SERVICE_HOST"] != ""
}
