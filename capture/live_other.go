//go:build !linux

package capture

import "errors"

// OpenLive needs Linux: elsewhere it is an error.
func OpenLive([]string, LiveOptions) (*Live, error) {
	return nil, errors.New("capturing from interfaces needs Linux: record with another tool and use replay")
}
