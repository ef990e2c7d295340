// The control file: how a test, or a person with a hex editor, drives the
// stand-in while it runs. All integers are little-endian and naturally
// aligned; a file of zeros is two busy GPUs.
#include <stdint.h>

enum {
	MAX_GPUS = 8,
	MAX_CALLS = 32,
	MAX_PROCESSES = 16,
	SYSTEM = MAX_GPUS, // the row of calls that name no GPU
};

// What a GPU does.
enum { BUSY, IDLE, FIXED, LOST };

struct rule {
	uint32_t answer;   // nvmlReturn_t to give instead of working; 0 works
	uint32_t delay_ms; // how long the call hangs first; set to 0 to let go
	uint64_t count;    // calls made, added to by the stand-in
};

struct process {
	uint32_t pid; // 0 ends the list
	uint32_t graphics;
	uint64_t used_bytes;
};

struct control {
	uint32_t gpus; // 0 means 2
	uint32_t driver_major; // 0 means 580
	uint32_t state[MAX_GPUS];
	uint32_t field_answer[MAX_GPUS]; // nvmlReturn_t inside each field value
	uint32_t reserved[6];
	struct rule rule[MAX_GPUS + 1][MAX_CALLS];
	struct process process[MAX_GPUS][MAX_PROCESSES];
};
