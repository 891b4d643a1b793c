"""Proposals: written, seen, decided."""
