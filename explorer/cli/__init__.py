"""The command line: a module for each command; main.py gathers them."""
