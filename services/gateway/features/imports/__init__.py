"""Bringing tables in from a spreadsheet: file, columns, dry run, ticking, writing; and taking them out again."""
