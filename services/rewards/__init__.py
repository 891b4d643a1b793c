"""Rewards: core values, praise, points, gifts.

Owns the facts of who praised whom and of every point that moved. Listens to goals (which KPIs there are, by name) and
to people. Must not know targets, results or who is told of a praise.
"""
