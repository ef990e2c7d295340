//go:build linux && cgo && !nonvml

#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "gate.h"

// Answers of a slot without a function behind it. The numbers are those of
// nvmlReturn_t: 13 is "function not found", 0 is success.
static unsigned int answer_not_found(void) { return 13; }
static unsigned int answer_success(void) { return 0; }

// nvmlErrorString is the one function that returns text.
static const char *answer_text(void) { return "NVML library not loaded"; }

enum {
#define NVML_SYMBOL(index, name) SLOT_##name = index,
#include "names.h"
#undef NVML_SYMBOL
};

static const char *const names[] = {
#define NVML_SYMBOL(index, name) [index] = #name,
#include "names.h"
#undef NVML_SYMBOL
};

enum { SLOTS = sizeof names / sizeof names[0] };

// The stubs in stubs.S jump through this table. It is filled before main
// starts, so there is no moment at which a slot leads nowhere.
__attribute__((visibility("hidden"))) void *nvml_gate_slots[SLOTS] = {
#define NVML_SYMBOL(index, name) [index] = (void *)answer_not_found,
#include "names.h"
#undef NVML_SYMBOL
    [SLOT_nvmlErrorString] = (void *)answer_text,
};

static void set_slot(int i, void *to) {
	__atomic_store_n(&nvml_gate_slots[i], to, __ATOMIC_RELEASE);
}

static void *absent(int i) {
	return i == SLOT_nvmlErrorString ? (void *)answer_text : (void *)answer_not_found;
}

void *gate_open(const char *path, char **problem) {
	void *handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	if (handle == NULL) {
		const char *text = dlerror();
		*problem = strdup(text != NULL ? text : "no reason given");
		return NULL;
	}
	for (int i = 0; i < SLOTS; i++) {
		void *function = dlsym(handle, names[i]);
		set_slot(i, function != NULL ? function : absent(i));
	}
	return handle;
}

void gate_detach(void) {
	for (int i = 0; i < SLOTS; i++)
		set_slot(i, absent(i));
	set_slot(SLOT_nvmlShutdown, (void *)answer_success);
}

void gate_close(void *handle) {
	set_slot(SLOT_nvmlShutdown, (void *)answer_not_found);
	dlclose(handle);
}

int gate_missing(void) {
	int n = 0;
	for (int i = 0; i < SLOTS; i++)
		n += nvml_gate_slots[i] == absent(i);
	return n;
}

// The program itself is the first object reported; one that was linked
// statically names no interpreter.
static int look_for_interpreter(struct dl_phdr_info *info, size_t size, void *found) {
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*(int *)found = 1;
	return 1;
}

int gate_is_static(void) {
	int interpreter = 0;
	dl_iterate_phdr(look_for_interpreter, &interpreter);
	return !interpreter;
}
