"""Reviews at the end of a cycle: one's own, and those of whom one leads."""
