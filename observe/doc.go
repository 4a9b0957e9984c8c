// Package observe turns the facts of single frames into the state of a
// network: connections, reassembled streams, operations, addresses, events. It
// closes that state once a minute of packet time into a Minute, which is all
// that the rest of osect ever sees. It knows no SQL, no files and no alerts.
package observe
