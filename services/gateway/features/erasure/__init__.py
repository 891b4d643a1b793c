"""Erasing a person: asked for, decided, and what became of it."""
