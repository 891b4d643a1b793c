"""Integrations: programs that read and bring values in, their keys, and how they fare."""
