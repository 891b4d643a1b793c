"""What is still missing before people can be let in, and who has to do it."""
