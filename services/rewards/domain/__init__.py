"""The rules of praise, points and gifts; one module per aggregate, the arithmetic of points, and the hints of RISE.

Pure.
"""
