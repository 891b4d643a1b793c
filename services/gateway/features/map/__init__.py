"""The goal map, as a drawing and as a tree, on any day."""
