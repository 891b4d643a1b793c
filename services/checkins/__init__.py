"""Check-ins: progress towards KPIs.

Owns the facts of progress. Listens to goals (which KPIs there are, whose they are) and to people. Must not know
targets' history or approvals.
"""
