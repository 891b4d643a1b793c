"""The command line `nhip`: the only code that may import several services."""
