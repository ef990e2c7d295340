# What a newcomer needs: make run, make test. The rest: make help.
GO          ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
BIN         := bin/wandb-agent
STANDIN     := .cache/nvml-demo/libnvidia-ml.so.1

# go-nvml's header marks calls as deprecated that older drivers need.
export CGO_CFLAGS := -g -O2 -Wno-deprecated-declarations

.PHONY: help build run test lint unit race cross interop bench gpu-check docs clean

help:
	@echo "make run [NVML=demo]  build, then train a small model and watch it (no account, no network)"
	@echo "make test             everything hermetic: vet, staticcheck, unit, race, fuzz seeds, CLI scripts"
	@echo "make interop          against programs nobody here wrote (installs them, pinned)"
	@echo "make bench            one table of ratios against peers and floors"
	@echo "make gpu-check        on a machine with an NVIDIA driver: our values beside nvidia-smi"

build:
	$(GO) build -o $(BIN) ./cmd/wandb-agent

run: build
ifeq ($(NVML),demo)
	@mkdir -p $(dir $(STANDIN))
	$(CC) -shared -fPIC -O1 -Wl,-soname,libnvidia-ml.so.1 -o $(STANDIN) collectors/gpu/testdata/nvml-standin/standin.c -ldl -lm
	@echo "GPU numbers below are SIMULATED (NVML=demo)"
	$(GO) run ./examples/train -nvml $(STANDIN)
else
	$(GO) run ./examples/train
endif

test: lint unit race cross

lint:
	@test -z "$$(gofmt -l .)" || { echo "gofmt would change:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	cd interop && $(GO) vet ./...
	cd bench && $(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

unit:
	$(GO) test ./...

race:
	$(GO) test -race ./...

# No C compiler, no NVML, other systems: all must build.
cross:
	CGO_ENABLED=0 $(GO) build ./...
	$(GO) build -tags nonvml ./...
	CGO_ENABLED=0 GOOS=darwin $(GO) build ./agent/... ./collectors/... ./exporters/...
	CGO_ENABLED=0 GOOS=windows $(GO) build ./agent/... ./collectors/... ./exporters/...
	CGO_ENABLED=0 GOARCH=arm64 $(GO) build ./...

interop:
	./interop/setup.sh
	cd interop && $(GO) test -count=1 ./...

bench: build
	./interop/setup.sh
	cd bench && $(GO) run .

gpu-check:
	$(GO) run ./cmd/gpu-check

docs:
	$(GO) test ./agent/catalog ./runapi/internal/parity ./examples/frompython -run TestDocs -update

clean:
	rm -rf bin .cache interop/.cache
