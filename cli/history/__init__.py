"""`nhip history`: the proof that the record keeps its promises.

Callers that race write into a tenant of its own, readers follow them, and everything that is seen from outside is
written down as `facts`; the `judge`, which is pure and knows nothing of praise or points, says afterwards what was
lost, doubled, reordered or torn.
"""
