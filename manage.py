#!/usr/bin/env python
"""Run a command of the D0010 pipeline; `manage.py help` lists them."""

from etl.management import console


if __name__ == "__main__":
    console.main()
