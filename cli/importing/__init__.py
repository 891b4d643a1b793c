"""A company in one YAML file, brought in through the public gRPC API.

`document` reads YAML with places; `company` is the format; `check` finds what does not fit together, with `on_paper`
for praise and its points; `commands` makes requests of it; `bring` sends them. The file is checked whole before the
first command, and every problem is told with its line.
"""
