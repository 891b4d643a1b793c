"""What an engine's own errors are called: known also where no engine is installed."""


class EngineError(Exception):
    """An engine cannot run; the message tells a person why and what to do."""


class InUse(EngineError):
    """Another process owns the directory."""
