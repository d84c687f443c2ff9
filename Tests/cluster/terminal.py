"""A program at a terminal, as a person would sit in front of it."""

import os
import pty
import select
import signal
import subprocess
import time


class Terminal:
    """Runs a command at a pseudo-terminal of its own; what it shows is in `text`."""

    def __init__(self, words, environment, columns=80, rows=24):
        import fcntl
        import struct
        import termios

        self.text = ""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            words, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def resize(self, columns, rows):
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.killpg(self.process.pid, signal.SIGWINCH)

    def type(self, text):
        os.write(self.master, text.encode())

    def expect(self, wanted, timeout=30):
        """Reads until `wanted` has been shown; returns what came before it and forgets both."""
        deadline = time.monotonic() + timeout
        while wanted not in self.text:
            left = deadline - time.monotonic()
            assert left > 0 and self.read(left), f"{wanted!r} was not shown, but {self.text!r}"
        before, _, self.text = self.text.partition(wanted)
        return before

    def read(self, timeout):
        """Takes in what is there; false at the end of the program's output or after `timeout`."""
        ready, _, _ = select.select([self.master], [], [], timeout)
        if not ready:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            # The last process at the terminal is gone.
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def end(self, timeout=30):
        """Waits for the program to end by itself; its exit code."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.read(0.1 if self.process.poll() is not None else 1):
            pass
        return self.process.wait(timeout=max(1, deadline - time.monotonic()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=10)
        os.close(self.master)
