package server

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// filterRuns keeps the runs that a filter of the public API means: fields with
// a value or {"$in": [...]}, {"$ne": ...}, and lists of filters under $and and
// $or. Another operator or field is an error: to ignore it would be a wrong
// answer.
func filterRuns(runs []*store.Run, filters *JSONString) ([]*store.Run, error) {
	if filters == nil || *filters == "" {
		return runs, nil
	}
	var want map[string]any
	if err := json.Unmarshal([]byte(*filters), &want); err != nil {
		return nil, fmt.Errorf("filters: %w", err)
	}
	var out []*store.Run
	for _, r := range runs {
		ok, err := matches(r.Facts(), want)
		if err != nil {
			return nil, fmt.Errorf("filters: %w", err)
		}
		if ok {
			out = append(out, r)
		}
	}
	return out, nil
}

func matches(f store.Facts, want map[string]any) (bool, error) {
	for name, v := range want {
		ok, err := matchesOne(f, name, v)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func matchesOne(f store.Facts, name string, v any) (bool, error) {
	switch name {
	case "$and", "$or":
		return matchesList(f, name == "$and", v)
	case "tags":
		return matchesTags(f.Tags, v)
	}
	fields := map[string]string{
		"state": f.State, "name": f.Name, "display_name": f.DisplayName, "displayName": f.DisplayName, "group": f.Group,
		"job_type": f.JobType, "jobType": f.JobType, "sweep": f.Sweep, "commit": f.Commit, "host": f.Host,
	}
	have, ok := fields[name]
	if !ok {
		return false, fmt.Errorf("field or operator %q is not known", name)
	}
	return compare(v, func(one any) bool { return one == have || one == nil && have == "" })
}

func matchesTags(tags []string, v any) (bool, error) {
	return compare(v, func(one any) bool {
		text, ok := one.(string)
		return ok && slices.Contains(tags, text)
	})
}

// compare applies a value, or an operator on values.
func compare(v any, equal func(any) bool) (bool, error) {
	op, ok := v.(map[string]any)
	if !ok {
		return equal(v), nil
	}
	for name, arg := range op {
		list, isList := arg.([]any)
		yes := true
		switch {
		case name == "$eq":
			yes = equal(arg)
		case name == "$ne":
			yes = !equal(arg)
		case name == "$in" && isList:
			yes = slices.ContainsFunc(list, equal)
		case name == "$nin" && isList:
			yes = !slices.ContainsFunc(list, equal)
		default:
			return false, fmt.Errorf("operator %q with %v is not known", name, reflect.TypeOf(arg))
		}
		if !yes {
			return false, nil
		}
	}
	return true, nil
}

func matchesList(f store.Facts, all bool, v any) (bool, error) {
	list, ok := v.([]any)
	if !ok {
		return false, fmt.Errorf("a list of filters is wanted, not %v", reflect.TypeOf(v))
	}
	for _, one := range list {
		filter, ok := one.(map[string]any)
		if !ok {
			return false, fmt.Errorf("a filter is wanted, not %v", reflect.TypeOf(one))
		}
		yes, err := matches(f, filter)
		if err != nil || yes != all {
			return yes, err
		}
	}
	return all, nil
}
