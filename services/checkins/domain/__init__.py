"""The rules of progress. Pure."""
