package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// smiLog is the part of "nvidia-smi -q -x" that is compared. Where releases
// name an element differently, all names are read.
type smiLog struct {
	GPUs []smiGPU `xml:"gpu"`
}

type smiGPU struct {
	UUID   string `xml:"uuid"`
	Memory struct {
		Total    string `xml:"total"`
		Reserved string `xml:"reserved"`
		Used     string `xml:"used"`
		Free     string `xml:"free"`
	} `xml:"fb_memory_usage"`
	Utilization struct {
		GPU    string `xml:"gpu_util"`
		Memory string `xml:"memory_util"`
	} `xml:"utilization"`
	Temperature struct {
		GPU    string `xml:"gpu_temp"`
		Memory string `xml:"memory_temp"`
	} `xml:"temperature"`
	Clocks struct {
		SM     string `xml:"sm_clock"`
		Memory string `xml:"mem_clock"`
	} `xml:"clocks"`
	State    string   `xml:"performance_state"`
	Power    smiPower `xml:"gpu_power_readings"`
	OldPower smiPower `xml:"power_readings"`
}

type smiPower struct {
	Draw     string `xml:"power_draw"`
	Average  string `xml:"average_power_draw"`
	Instant  string `xml:"instant_power_draw"`
	Limit    string `xml:"current_power_limit"`
	Enforced string `xml:"enforced_power_limit"`
}

// askSMI runs nvidia-smi and returns what it says, by GPU UUID.
func askSMI(ctx context.Context, program string) (map[string]smiGPU, error) {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, program, "-q", "-x").Output()
	if err != nil {
		return nil, fmt.Errorf("run %s -q -x: %w", program, err)
	}
	return parseSMI(text)
}

func parseSMI(text []byte) (map[string]smiGPU, error) {
	var log smiLog
	if err := xml.Unmarshal(text, &log); err != nil {
		return nil, fmt.Errorf("parse nvidia-smi -q -x: %w", err)
	}
	gpus := make(map[string]smiGPU, len(log.GPUs))
	for _, g := range log.GPUs {
		gpus[strings.TrimSpace(g.UUID)] = g
	}
	return gpus, nil
}

// number reads "81559 MiB", "P0" or "71.02 W"; false for N/A and the like.
func number(text string) (float64, bool) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "P")
	digits, _, _ := strings.Cut(text, " ")
	v, err := strconv.ParseFloat(digits, 64)
	return v, err == nil && v == v && v < 1e300 && v > -1e300
}

// first returns the first text that holds a number.
func first(texts ...string) string {
	for _, t := range texts {
		if _, is := number(t); is {
			return t
		}
	}
	return ""
}
