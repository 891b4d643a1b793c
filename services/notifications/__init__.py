"""Notifications: who must hear of what, in the inbox and by e-mail.

Owns notices and how people want to be told. Listens to goals, rewards, checkins and people. Must not decide anything
about what it tells.
"""
