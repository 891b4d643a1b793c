"""The company's people and units: who they are, where they stand, and how that is set right."""
