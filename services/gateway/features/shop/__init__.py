"""Gifts, what was exchanged for them, and the counter where they are handed over."""
