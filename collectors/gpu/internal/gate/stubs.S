//go:build linux && cgo && !nonvml

// One function per NVML symbol: a jump through its slot. The caller's
// arguments stay where they are, whatever their number and type.

#if defined(__x86_64__)
#define JUMP(index) jmp *(nvml_gate_slots + 8 * index)(%rip)
#elif defined(__aarch64__)
#define JUMP(index) \
	adrp x16, nvml_gate_slots + 8 * index ; \
	ldr x16, [x16, :lo12:nvml_gate_slots + 8 * index] ; \
	br x16
#else
#error "no NVML gate for this processor: build with -tags nonvml"
#endif

#define NVML_SYMBOL(index, name) \
	.globl name ; \
	.hidden name ; \
	.type name, %function ; \
	name: ; \
	JUMP(index) ; \
	.size name, . - name

	.text
	.p2align 4
#include "names.h"

	.section .note.GNU-stack, "", %progbits
