"""How Nhip gets onto a machine: the local engines, a browser for the tests, npm for the assets; knows no service."""
