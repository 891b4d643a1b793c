"""Who is who: people, units, managers and roles, as every service keeps them in views of its own from the contract
`nhip.people.v1`.

`facts` is pure (states, `evolve`, relations), so is `responsibility` (who answers for something, who decides about it);
`views` are the read models, `directory` answers queries. It decides nothing about people; that is the people service's.
"""
