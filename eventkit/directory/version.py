"""The version of the directory's views."""

VERSION = 18
"""Of the directory, and of whatever else a service keeps of people: views of one source take a new version together."""
