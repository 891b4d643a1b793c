"""The numbers that a company sets for itself, and its profile."""
