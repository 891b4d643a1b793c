"""Who one is: signing in and out, and the language."""
