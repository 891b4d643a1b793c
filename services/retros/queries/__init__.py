"""What is asked of the views: an answer of the API, or what a command or timer must know.

What reads tables is here, and nowhere else.
"""
