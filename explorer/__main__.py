"""`python -m explorer`: the command line without run.py's set-up."""

import sys

from explorer.cli import run

sys.exit(run())
