"""The audit's ledger: searched, read thing by thing, taken away as a file."""
