"""Notices: what waits for their reader, and what is good to know."""
