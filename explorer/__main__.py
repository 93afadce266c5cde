"""`python -m explorer`: run the command line without the set-up of run.py."""

from explorer.cli.main import leave, run

leave(run())
