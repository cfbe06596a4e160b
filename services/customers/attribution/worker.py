"""The process that calculates: one question on standard input, its answer on standard output."""

import signal
import sys

from services.customers.attribution.study import answered


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the asking process ends us
    sys.stdout.buffer.write(answered(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
