"""Praise: written with hints beside it, and the feed."""
