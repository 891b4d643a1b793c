"""`nhip import`: a whole company in one YAML file, or one table in a spreadsheet, brought in through the public gRPC
API.

`check` finds what does not fit together in a company's file, with `on_paper` for praise and its points; `bring` sends
it. `table` brings in a spreadsheet. What both are read into, and what is asked of the services, is `importing`'s.
"""
