"""Checking in, reading and answering a check-in, topics, and the rhythm of all that."""
