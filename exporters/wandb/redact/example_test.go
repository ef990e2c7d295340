package redact_test

import (
	"fmt"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/redact"
)

func Example() {
	r := redact.New([]string{"HF_TOKEN=canary-token", "HOME=/srv"})
	fmt.Println(r.Args([]string{"train.py", "--api-key=abc", "--lr", "0.1"}))
	fmt.Println(r.URL("https://user:pass@example.org/repo.git"))
	fmt.Printf("%s\n", r.Append(nil, []byte("using canary-token in /srv")))
	// Output:
	// [train.py --api-key=*** --lr 0.1]
	// https://***@example.org/repo.git
	// using *** in /srv
}
