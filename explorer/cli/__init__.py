"""The commands, a module for each kind; explorer.cli gathers them."""
