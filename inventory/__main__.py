"""Entry point of `python -m inventory`, and of `bin/inventory`; knows only the command line."""

import signal

# From the first moment on, Ctrl-C ends without a traceback; a command that wants more says so.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from inventory.cli import main  # noqa: E402 - the imports take the longest

if __name__ == "__main__":
    main(prog_name="inventory")
