package sample

import "testing"

func TestRowKey(t *testing.T) {
	for _, key := range []string{"loss", "", "val/acc\xff"} {
		d := RowDesc(key)
		if got, ok := d.RowKey(); !ok || got != key {
			t.Errorf("RowKey of RowDesc(%q) = %q, %v; want the key", key, got, ok)
		}
	}
	d := Desc{Name: "system.cpu.time", Labels: []Label{{Name: "key", Value: "loss"}}}
	if key, ok := d.RowKey(); ok {
		t.Errorf("RowKey of %q = %q, want none", d.Name, key)
	}
}
