"""Python read as a tree."""

import ast
import gc


def parsed(code: str) -> ast.Module:
    """The tree of some Python.

    Python 3.11 counts how deep it is while it builds a tree, and what the collector finalises meanwhile puts its count
    out: SystemError (AST constructor recursion depth mismatch). So nothing is collected in between.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(code)
    finally:
        if collects:
            gc.enable()
