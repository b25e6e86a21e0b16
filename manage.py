#!/usr/bin/env python
"""Run a command of the D0010 pipeline; `manage.py help` lists them."""

import os
import sys

from django.core import management


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl.config.settings")
    management.execute_from_command_line(sys.argv)
