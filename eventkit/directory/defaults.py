"""Numbers of a tenant that several services judge by, as long as it says nothing else."""

DEFAULT_TIME_ZONE = "Asia/Ho_Chi_Minh"
SLOT_DAYS = 14
"""A check-in every two weeks (C-02)."""
STALE_AFTER_DAYS = 2 * SLOT_DAYS
"""Days without a value after which a KPI counts as forgotten (D-03, N-04)."""
