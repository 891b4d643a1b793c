"""Meetings that end in actions, and what is to be done."""
