"""What a company has written down already, made into commands: by the command line and by the console.

`document` reads fields with places; `company` is the format of a whole company in YAML; `commands` makes requests of
its items; `sheets` reads tables. Knows contracts and eventkit alone: whoever uses it brings a way to ask the services.
"""
