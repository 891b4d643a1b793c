"""Goals: cycles, strategic goals, success factors, KPIs, their alignment, and proposals to change them.

Owns their log. Listens to people (who is who) and to checkins (progress). Must not know how progress is collected or
who is told of what.
"""
