"""Tables in spreadsheets: people, units, goals, success factors, KPIs, links, values and check-ins.

`grid` reads a file (`csv_text`, `workbook`) into rows of cells, within limits; `tables` says which fields a table has;
`mapping` guesses which column is which; `rows` and `cells` make values of cells; `standing` is what Nhip has already;
`staff`, `strategy`, `kpis`, `values` and `check_ins` compare the two into a `plan`; `checking` has the services judge
it and `writing` carries out what was ticked. Nothing is written before all of it was checked.
"""
