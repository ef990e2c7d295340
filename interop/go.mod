module github.com/wandb-agent/wandb-agent/interop

go 1.26.0

require github.com/wandb-agent/wandb-agent v0.0.0

require (
	github.com/NVIDIA/go-nvml v0.13.3-0 // indirect
	github.com/go-ole/go-ole v1.2.6 // indirect
	github.com/graph-gophers/graphql-go v1.11.0 // indirect
	github.com/lufia/plan9stats v0.0.0-20211012122336-39d0f177ccd0 // indirect
	github.com/power-devops/perfstat v0.0.0-20210106213030-5aafc221ea8c // indirect
	github.com/shirou/gopsutil/v3 v3.24.5 // indirect
	github.com/shoenig/go-m1cpu v0.1.6 // indirect
	github.com/tklauser/go-sysconf v0.3.12 // indirect
	github.com/tklauser/numcpus v0.6.1 // indirect
	github.com/yusufpapurcu/wmi v1.2.4 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/wandb-agent/wandb-agent => ../
