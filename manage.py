#!/usr/bin/env python
"""Run a command of the D0010 pipeline; `manage.py help` lists them."""

import sys


if __name__ == "__main__":
    try:
        from etl.management import console

        console.main()
    except KeyboardInterrupt:  # while that was imported
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)
