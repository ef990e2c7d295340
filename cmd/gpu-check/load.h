// A load on one GPU through the CUDA driver library, which is loaded when the
// program runs: gpu-check builds and starts on machines without it.
#ifndef GPU_CHECK_LOAD_H
#define GPU_CHECK_LOAD_H

#include <stddef.h>

struct load {
	void *context;
	unsigned long long memory; // device address
	size_t bytes;
};

// load_open loads the library and returns how many GPUs it has, or -1 with a
// malloc'ed text in *problem.
int load_open(char **problem);

// load_begin makes a context on a GPU and takes memory there. These three
// return 0 or a CUDA error; load_round writes all of the memory 64 times.
int load_begin(struct load *l, int gpu, size_t bytes);
int load_round(struct load *l);
int load_end(struct load *l);

#endif
