"""Personal words: sealed under keys of their own before they are recorded, opened when a reply leaves."""
