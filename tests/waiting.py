"""How long tests wait for what must come about."""

PATIENCE = 90.0
"""Seconds. It ends a test that would wait for ever, and says nothing of how fast anything is: a machine may be slow."""
