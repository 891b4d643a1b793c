"""The services, one package each; they share contracts (gen/) and nothing else."""
