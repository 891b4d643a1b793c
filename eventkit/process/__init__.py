"""What a service is made of, and what makes a running process of it."""
