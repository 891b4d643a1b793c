"""The command line `nhip`: one module per command; the only code that may import several services.

`main` names the commands, `catalog` the services they know of, `running` how a command ends. Commands speak to a system
that runs through its public gRPC API (`client`), as anybody could.
"""
