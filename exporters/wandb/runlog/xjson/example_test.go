package xjson_test

import (
	"fmt"
	"math"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
)

func Example() {
	text, err := xjson.AppendValue(nil, map[string]any{"loss": math.NaN(), "step": 3, "best": math.Inf(1)})
	fmt.Println(string(text), err)
	v, err := xjson.Decode(text)
	fmt.Printf("%v %v\n", v, err)
	// Output:
	// {"best":Infinity,"loss":NaN,"step":3} <nil>
	// map[best:+Inf loss:NaN step:3] <nil>
}
