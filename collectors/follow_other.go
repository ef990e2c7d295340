//go:build !linux

package collectors

// follow adds nothing: processes are followed through procfs.
func (s *Set) follow(*Config) error { return nil }
