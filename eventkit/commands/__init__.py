"""What decides: aggregates are folded, a decision is made on them, and its events are appended."""
