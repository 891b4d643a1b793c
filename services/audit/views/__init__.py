"""The ledger: every event of every context, and what each is about."""
