"""What is a tenant's own as long as it says nothing else."""

DEFAULT_TIME_ZONE = "Asia/Ho_Chi_Minh"
DEFAULT_LANGUAGE = "vi"
LANGUAGES = ("vi", "en")
"""Those that people may choose (X-02)."""
