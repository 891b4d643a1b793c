"""The rules of strategy, KPIs, alignment and proposals; one module per aggregate, and the arithmetic they share.

Pure.
"""
