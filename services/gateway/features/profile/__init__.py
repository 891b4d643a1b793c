"""One's own page, and how notices reach one."""
