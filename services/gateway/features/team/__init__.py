"""A manager's team: who needs them first, and why. Never a ranking."""
