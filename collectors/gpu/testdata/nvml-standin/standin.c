// A stand-in for NVIDIA's libnvidia-ml.so.1, for machines without a GPU.
//
//	gcc -shared -fPIC -O1 -Wl,-soname,libnvidia-ml.so.1 -o DIR/libnvidia-ml.so.1 standin.c -ldl -lm
//
// It answers the calls that the collector makes with made-up numbers of
// devices whose names say SIMULATED. A file standin.ctl beside the library, if
// there is one when the library is loaded, drives it: see control.h; without
// it there are two busy GPUs, and the loading process uses the first. To leave
// a function out, as an old driver would, compile with -DnvmlName=left_out_Name.
//
// With -DPRINT_SIZES it is a program that prints the sizes of its structures.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "control.h"

#ifndef STANDIN_DRIVER_MINOR
#define STANDIN_DRIVER_MINOR 1
#endif

typedef unsigned int result;
typedef struct gpu { uint32_t index; } *device;

// Answers, numbered as in NVIDIA's interface.
enum {
	OK = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3,
	NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, GPU_LOST = 15, VERSION_MISMATCH = 25,
};

struct utilization { uint32_t gpu, memory; };
struct memory { uint64_t total, free, used; };
struct memory_v2 { uint32_t version; uint64_t total, reserved, free, used; };
struct temperature { uint32_t version; int32_t sensor, celsius; };
struct pci_info {
	char legacy_id[16];
	uint32_t domain, bus, device, device_id, subsystem_id;
	char id[32];
};
struct process_v1 { uint32_t pid; uint64_t used; };
struct process_info { uint32_t pid; uint64_t used; uint32_t gi, ci; };
struct field {
	uint32_t id, scope;
	int64_t time_us, latency_us;
	uint32_t type, answer;
	union { double d; uint32_t u32; uint64_t u64; int64_t i64; } value;
};

enum {
#define CALL(name) CALL_##name,
#include "calls.h"
#undef CALL
};

static struct control built_in;
static struct control *control = &built_in;
static struct gpu gpus[MAX_GPUS] = {{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}};
static int users;

// attach maps standin.ctl beside this library, when it is there and whole.
static void __attribute__((constructor)) attach(void) {
	Dl_info self;
	char path[4096];
	built_in.process[0][0] = (struct process){(uint32_t)getpid(), 0, 6ull << 30};
	if (!dladdr((void *)attach, &self) || self.dli_fname == NULL)
		return;
	const char *slash = strrchr(self.dli_fname, '/');
	int length = slash == NULL ? 0 : (int)(slash - self.dli_fname) + 1;
	snprintf(path, sizeof path, "%.*sstandin.ctl", length, self.dli_fname);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	if (lseek(fd, 0, SEEK_END) >= (off_t)sizeof *control) {
		void *at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (at != MAP_FAILED)
			control = at;
	}
	close(fd);
}

static void __attribute__((destructor)) detach(void) {
	if (control != &built_in)
		munmap(control, sizeof *control);
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t gpu_count(void) {
	uint32_t n = __atomic_load_n(&control->gpus, __ATOMIC_RELAXED);
	return n == 0 ? 2 : n > MAX_GPUS ? MAX_GPUS : n;
}

// enter counts a call, makes it hang and returns the answer it must give.
static result enter(uint32_t row, int call) {
	struct rule *rule = &control->rule[row][call];
	__atomic_add_fetch(&rule->count, 1, __ATOMIC_RELAXED);
	double start = now();
	const struct timespec nap = {0, 2000000};
	while ((now() - start) * 1000 < __atomic_load_n(&rule->delay_ms, __ATOMIC_RELAXED))
		nanosleep(&nap, NULL);
	return __atomic_load_n(&rule->answer, __ATOMIC_RELAXED);
}

static uint32_t state_of(device d) {
	return __atomic_load_n(&control->state[d->index], __ATOMIC_RELAXED);
}

static result enter_device(device d, int call) {
	if (d == NULL)
		return INVALID_ARGUMENT;
	result r = enter(d->index, call);
	if (r != OK)
		return r;
	if (__atomic_load_n(&users, __ATOMIC_RELAXED) == 0)
		return UNINITIALIZED;
	return state_of(d) == LOST ? GPU_LOST : OK;
}

#define SYSTEM_CALL(name) do { result r_ = enter(SYSTEM, CALL_##name); if (r_ != OK) return r_; } while (0)
#define DEVICE_CALL(d, name) do { result r_ = enter_device(d, CALL_##name); if (r_ != OK) return r_; } while (0)

// wave swings between low and high, out of step from GPU to GPU.
static double wave(device d, double low, double high, double period_s) {
	double phase = now() / period_s * 2 * M_PI + d->index;
	return low + (high - low) * (0.5 + 0.5 * sin(phase));
}

// pick chooses the number that the device's state calls for.
static double pick(device d, double busy, double idle, double fixed) {
	uint32_t s = state_of(d);
	return s == BUSY ? busy : s == IDLE ? idle : fixed;
}

static result put_text(char *to, uint32_t length, const char *text) {
	if (strlen(text) + 1 > length)
		return INSUFFICIENT_SIZE;
	strcpy(to, text);
	return OK;
}

static void uuid_of(uint32_t index, char *to, size_t length) {
	snprintf(to, length, "GPU-51d00000-0000-4000-8000-00000000000%u", index);
}

// ---- library and system

static result start(void) {
	SYSTEM_CALL(Init);
	__atomic_add_fetch(&users, 1, __ATOMIC_RELAXED);
	return OK;
}

result nvmlInit_v2(void) { return start(); }
result nvmlInitWithFlags(uint32_t flags) { (void)flags; return start(); }

result nvmlShutdown(void) {
	SYSTEM_CALL(Shutdown);
	if (__atomic_load_n(&users, __ATOMIC_RELAXED) == 0)
		return UNINITIALIZED;
	__atomic_sub_fetch(&users, 1, __ATOMIC_RELAXED);
	return OK;
}

const char *nvmlErrorString(result r) {
	(void)r;
	return "stand-in answer";
}

result nvmlSystemGetDriverVersion(char *version, uint32_t length) {
	SYSTEM_CALL(SystemGetDriverVersion);
	char text[32];
	uint32_t major = control->driver_major;
	snprintf(text, sizeof text, "%u.%02d", major == 0 ? 580 : major, STANDIN_DRIVER_MINOR);
	return put_text(version, length, text);
}

result nvmlSystemGetNVMLVersion(char *version, uint32_t length) {
	SYSTEM_CALL(SystemGetNVMLVersion);
	return put_text(version, length, "13.580.01");
}

result nvmlSystemGetCudaDriverVersion(int *version) {
	SYSTEM_CALL(SystemGetCudaDriverVersion);
	*version = 13000;
	return OK;
}

result nvmlDeviceGetCount(uint32_t *count) {
	SYSTEM_CALL(DeviceGetCount);
	*count = gpu_count();
	return OK;
}

result nvmlDeviceGetCount_v2(uint32_t *count) { return nvmlDeviceGetCount(count); }

result nvmlDeviceGetHandleByIndex(uint32_t index, device *d) {
	SYSTEM_CALL(DeviceGetHandleByIndex);
	if (index >= gpu_count())
		return INVALID_ARGUMENT;
	*d = &gpus[index];
	return state_of(*d) == LOST ? GPU_LOST : OK;
}

result nvmlDeviceGetHandleByIndex_v2(uint32_t index, device *d) {
	return nvmlDeviceGetHandleByIndex(index, d);
}

result nvmlDeviceGetHandleByUUID(const char *uuid, device *d) {
	SYSTEM_CALL(DeviceGetHandleByUUID);
	for (uint32_t i = 0; i < gpu_count(); i++) {
		char mine[80];
		uuid_of(i, mine, sizeof mine);
		if (strcmp(mine, uuid) == 0) {
			*d = &gpus[i];
			return state_of(*d) == LOST ? GPU_LOST : OK;
		}
	}
	return NOT_FOUND;
}

// ---- identity

result nvmlDeviceGetName(device d, char *name, uint32_t length) {
	DEVICE_CALL(d, DeviceGetName);
	return put_text(name, length, "SIMULATED GPU (NVML stand-in)");
}

result nvmlDeviceGetUUID(device d, char *uuid, uint32_t length) {
	DEVICE_CALL(d, DeviceGetUUID);
	char text[80];
	uuid_of(d->index, text, sizeof text);
	return put_text(uuid, length, text);
}

result nvmlDeviceGetPciInfo_v3(device d, struct pci_info *p) {
	DEVICE_CALL(d, DeviceGetPciInfo);
	memset(p, 0, sizeof *p);
	p->bus = d->index + 1;
	snprintf(p->legacy_id, sizeof p->legacy_id, "0000:%02X:00.0", p->bus);
	snprintf(p->id, sizeof p->id, "00000000:%02X:00.0", p->bus);
	return OK;
}

result nvmlDeviceGetArchitecture(device d, uint32_t *architecture) {
	DEVICE_CALL(d, DeviceGetArchitecture);
	*architecture = 9;
	return OK;
}

result nvmlDeviceGetNumGpuCores(device d, uint32_t *cores) {
	DEVICE_CALL(d, DeviceGetNumGpuCores);
	*cores = 16896;
	return OK;
}

// ---- load

static const uint64_t GiB = 1ull << 30;

static uint64_t used_bytes(device d) {
	return (uint64_t)(pick(d, wave(d, 24, 60, 40), 0.5, 20) * (double)GiB);
}

result nvmlDeviceGetUtilizationRates(device d, struct utilization *u) {
	DEVICE_CALL(d, DeviceGetUtilizationRates);
	u->gpu = (uint32_t)pick(d, wave(d, 70, 100, 13), 0, 50 + d->index);
	u->memory = (uint32_t)pick(d, wave(d, 20, 60, 17), 0, 25);
	return OK;
}

result nvmlDeviceGetMemoryInfo(device d, struct memory *m) {
	DEVICE_CALL(d, DeviceGetMemoryInfo);
	m->total = 80 * GiB;
	m->used = used_bytes(d) + GiB; // this older form counts reserved memory as used
	m->free = m->total - m->used;
	return OK;
}

result nvmlDeviceGetMemoryInfo_v2(device d, struct memory_v2 *m) {
	DEVICE_CALL(d, DeviceGetMemoryInfo_v2);
	if (m->version != (sizeof *m | 2u << 24))
		return VERSION_MISMATCH;
	m->total = 80 * GiB;
	m->reserved = GiB;
	m->used = used_bytes(d);
	m->free = m->total - m->reserved - m->used;
	return OK;
}

static int celsius(device d) {
	return (int)pick(d, wave(d, 55, 72, 60), 31, 60 + d->index);
}

result nvmlDeviceGetTemperature(device d, uint32_t sensor, uint32_t *t) {
	DEVICE_CALL(d, DeviceGetTemperature);
	if (sensor != 0)
		return INVALID_ARGUMENT;
	*t = (uint32_t)celsius(d);
	return OK;
}

result nvmlDeviceGetTemperatureV(device d, struct temperature *t) {
	DEVICE_CALL(d, DeviceGetTemperatureV);
	if (t->version != (sizeof *t | 1u << 24))
		return VERSION_MISMATCH;
	t->celsius = celsius(d);
	return OK;
}

result nvmlDeviceGetClockInfo(device d, uint32_t domain, uint32_t *mhz) {
	DEVICE_CALL(d, DeviceGetClockInfo);
	if (domain > 3)
		return INVALID_ARGUMENT;
	*mhz = domain == 2 ? 2600 : (uint32_t)pick(d, wave(d, 1700, 1980, 9), 345, 1500);
	return OK;
}

static uint64_t reasons(device d) {
	return (uint64_t)pick(d, 0, 1, 4);
}

result nvmlDeviceGetCurrentClocksEventReasons(device d, unsigned long long *mask) {
	DEVICE_CALL(d, DeviceGetCurrentClocksEventReasons);
	*mask = reasons(d);
	return OK;
}

result nvmlDeviceGetCurrentClocksThrottleReasons(device d, unsigned long long *mask) {
	DEVICE_CALL(d, DeviceGetCurrentClocksThrottleReasons);
	*mask = reasons(d);
	return OK;
}

result nvmlDeviceGetPerformanceState(device d, uint32_t *p) {
	DEVICE_CALL(d, DeviceGetPerformanceState);
	*p = (uint32_t)pick(d, 0, 8, 2);
	return OK;
}

// ---- power and field values

static double watts(device d) { return pick(d, wave(d, 420, 690, 13), 62, 250); }

static uint64_t energy_mj(device d) {
	return (uint64_t)pick(d, now() * 550e3, now() * 62e3, 5000000);
}

result nvmlDeviceGetPowerUsage(device d, uint32_t *mw) {
	DEVICE_CALL(d, DeviceGetPowerUsage);
	*mw = (uint32_t)((watts(d) - pick(d, 0, 0, 10)) * 1000);
	return OK;
}

result nvmlDeviceGetTotalEnergyConsumption(device d, unsigned long long *mj) {
	DEVICE_CALL(d, DeviceGetTotalEnergyConsumption);
	*mj = energy_mj(d);
	return OK;
}

result nvmlDeviceGetEnforcedPowerLimit(device d, uint32_t *mw) {
	DEVICE_CALL(d, DeviceGetEnforcedPowerLimit);
	*mw = 700000 - (uint32_t)pick(d, 0, 0, 200000);
	return OK;
}

static void put_u32(struct field *f, double v) { f->type = 1; f->value.u32 = (uint32_t)v; }
static void put_u64(struct field *f, uint64_t v) { f->type = 3; f->value.u64 = v; }

// fill answers one field; an unknown one is not supported.
static void fill(device d, struct field *f) {
	f->answer = control->field_answer[d->index];
	f->time_us = (int64_t)(now() * 1e6);
	if (f->answer != OK)
		return;
	switch (f->id) {
	case 82: put_u32(f, pick(d, wave(d, 60, 80, 60), 35, 70)); break;
	case 83:
	case 191: put_u64(f, energy_mj(d)); break;
	case 185: put_u32(f, (watts(d) - pick(d, 0, 0, 10)) * 1000); break;
	case 186: put_u32(f, watts(d) * 1000); break;
	case 190: put_u32(f, 700000 - pick(d, 0, 0, 200000)); break;
	default: f->answer = NOT_SUPPORTED;
	}
}

result nvmlDeviceGetFieldValues(device d, int count, struct field *fields) {
	DEVICE_CALL(d, DeviceGetFieldValues);
	for (int i = 0; i < count; i++)
		fill(d, &fields[i]);
	return OK;
}

// ---- processes

static uint32_t processes(device d, uint32_t graphics, struct process_info *to, uint32_t room) {
	uint32_t n = 0;
	for (int i = 0; i < MAX_PROCESSES; i++) {
		struct process *p = &control->process[d->index][i];
		if (p->pid == 0)
			break;
		if (p->graphics != graphics)
			continue;
		if (n < room)
			to[n] = (struct process_info){p->pid, p->used_bytes, ~0u, ~0u};
		n++;
	}
	return n;
}

static result list(device d, uint32_t graphics, uint32_t *count, struct process_info *to) {
	uint32_t room = *count;
	*count = processes(d, graphics, to, room);
	return *count > room ? INSUFFICIENT_SIZE : OK;
}

static result list_v1(device d, uint32_t graphics, uint32_t *count, struct process_v1 *to) {
	struct process_info all[MAX_PROCESSES];
	uint32_t n = processes(d, graphics, all, MAX_PROCESSES), room = *count;
	*count = n;
	if (n > room)
		return INSUFFICIENT_SIZE;
	for (uint32_t i = 0; i < n; i++)
		to[i] = (struct process_v1){all[i].pid, all[i].used};
	return OK;
}

#define PROCESS_CALLS(kind, graphics) \
	result nvmlDeviceGet##kind##RunningProcesses(device d, uint32_t *n, struct process_v1 *p) { \
		DEVICE_CALL(d, DeviceGet##kind##RunningProcesses); \
		return list_v1(d, graphics, n, p); \
	} \
	result nvmlDeviceGet##kind##RunningProcesses_v3(device d, uint32_t *n, struct process_info *p) { \
		DEVICE_CALL(d, DeviceGet##kind##RunningProcesses); \
		return list(d, graphics, n, p); \
	}

PROCESS_CALLS(Compute, 0)
PROCESS_CALLS(Graphics, 1)

#ifdef PRINT_SIZES
int main(void) {
	printf("Utilization %zu\n", sizeof(struct utilization));
	printf("Memory %zu\n", sizeof(struct memory));
	printf("Memory_v2 %zu\n", sizeof(struct memory_v2));
	printf("Temperature %zu\n", sizeof(struct temperature));
	printf("PciInfo %zu\n", sizeof(struct pci_info));
	printf("ProcessInfo_v1 %zu\n", sizeof(struct process_v1));
	printf("ProcessInfo %zu\n", sizeof(struct process_info));
	printf("FieldValue %zu\n", sizeof(struct field));
	printf("control %zu\n", sizeof(struct control));
	printf("rule %zu\n", sizeof(struct rule));
	printf("process %zu\n", sizeof(struct process));
	return 0;
}
#endif
