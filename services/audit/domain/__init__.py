"""What is told of an event by its contract alone, and the record of who read the ledger. Pure."""
