"""Cycles, strategic goals, success factors and KPIs, written down."""
