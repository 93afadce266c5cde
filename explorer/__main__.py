"""`python -m explorer`: the command line without run.py's set-up."""

from explorer.cli.main import leave, run

leave(run())
