"""The rules of retros: a person's starfish, a team's board and its cards, the round of a cycle.

Pure.
"""
