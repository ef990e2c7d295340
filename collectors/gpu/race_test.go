//go:build race

package gpu

import "testing"

func skipUnderRace(t *testing.T) { t.Skip("the race detector allocates") }
