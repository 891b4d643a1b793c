"""The ledger of everybody's events, knowing none of their meaning: what a contract says about its own fields is all
that is used.

It listens to every context there is, and records who read it. It owns no aggregate but that record, and must not know
any other service.
"""
