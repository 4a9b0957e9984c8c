package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// locks are those that a Store holds on the file PATH-lock, of which the byte at
// a sensor's id stands for that sensor. The file has no content and stays: who
// removed it could not know that nobody is about to lock it. It is a file of its
// own because closing any descriptor of the store would drop SQLite's locks.
type locks struct{ file *os.File }

// take locks the byte at id, and reports whether another Store has it. Taking
// it again does nothing.
func (l *locks) take(path string, id int64) (taken bool, err error) {
	if l.file == nil {
		if l.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			return false, err
		}
	}
	// Open file description locks (fcntl(2)): they end with the file, not with
	// any other descriptor of it, and hold between two Stores of one process.
	err = unix.FcntlFlock(l.file.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Start: id, Len: 1})
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return true, nil
	}
	return false, err
}

func (l *locks) close() {
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
}
