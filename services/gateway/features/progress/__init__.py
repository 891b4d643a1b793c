"""Recording where a KPI stands."""
