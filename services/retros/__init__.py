"""Retros: looking back at how one worked, alone and as a team.

Owns what people wrote about a cycle and what teams try next. Listens to goals (which cycles there are and when they
end) and to people. Must not know a KPI, a value, a status or a check-in: nothing of a retro is a number, and no score
is made of it (C-45).
"""
