// Functions of the gate that Go calls; see gate.c.
#ifndef WANDB_AGENT_NVML_GATE_H
#define WANDB_AGENT_NVML_GATE_H

// gate_open loads path and fills the slots. It returns the library's handle,
// or NULL with a malloc'ed text in *problem.
void *gate_open(const char *path, char **problem);

// gate_detach points every slot at the answer 13, except that nvmlShutdown
// answers 0.
void gate_detach(void);

// gate_close makes nvmlShutdown answer 13 too and unloads the library.
void gate_close(void *handle);

// gate_missing counts the slots that have no function behind them.
int gate_missing(void);

// gate_is_static reports whether the program has no dynamic linker.
int gate_is_static(void);

#endif
