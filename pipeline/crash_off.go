//go:build !crashtest

package pipeline

// crashAtFrame does nothing: only binaries built with the tag crashtest can be
// told to die at a frame (docs/reliability.md).
func crashAtFrame(uint64) {}
