//go:build linux && cgo && !nonvml

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

// The CUDA driver functions used, by their names in libcuda.so.1.
static int (*init)(unsigned int flags);
static int (*device_count)(int *n);
static int (*device_get)(int *device, int ordinal);
static int (*context_create)(void **context, unsigned int flags, int device);
static int (*context_destroy)(void *context);
static int (*context_synchronize)(void);
static int (*memory_allocate)(unsigned long long *at, size_t bytes);
static int (*memory_free)(unsigned long long at);
static int (*memory_set)(unsigned long long at, unsigned int value, size_t words);

static int find(void *library, const char *name, void *to) {
	void *symbol = dlsym(library, name);
	memcpy(to, &symbol, sizeof symbol);
	return symbol != NULL;
}

static int fail(char **problem, const char *text) {
	*problem = strdup(text);
	return -1;
}

int load_open(char **problem) {
	void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		return fail(problem, dlerror());
	if (!find(library, "cuInit", &init) || !find(library, "cuDeviceGetCount", &device_count) ||
	    !find(library, "cuDeviceGet", &device_get) || !find(library, "cuCtxCreate_v2", &context_create) ||
	    !find(library, "cuCtxDestroy_v2", &context_destroy) ||
	    !find(library, "cuCtxSynchronize", &context_synchronize) ||
	    !find(library, "cuMemAlloc_v2", &memory_allocate) || !find(library, "cuMemFree_v2", &memory_free) ||
	    !find(library, "cuMemsetD32_v2", &memory_set))
		return fail(problem, "libcuda.so.1 lacks a function");
	int n = 0;
	if (init(0) != 0 || device_count(&n) != 0)
		return fail(problem, "CUDA does not start");
	return n;
}

int load_begin(struct load *l, int gpu, size_t bytes) {
	int device, r = device_get(&device, gpu);
	if (r != 0)
		return r;
	r = context_create(&l->context, 0, device);
	if (r != 0)
		return r;
	l->bytes = bytes;
	r = memory_allocate(&l->memory, bytes);
	if (r != 0)
		context_destroy(l->context);
	return r;
}

int load_round(struct load *l) {
	for (int i = 0; i < 64; i++) {
		int r = memory_set(l->memory, (unsigned int)i, l->bytes / 4);
		if (r != 0)
			return r;
	}
	return context_synchronize();
}

int load_end(struct load *l) {
	memory_free(l->memory);
	return context_destroy(l->context);
}
