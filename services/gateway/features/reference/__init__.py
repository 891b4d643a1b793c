"""The JSON API, for people."""
