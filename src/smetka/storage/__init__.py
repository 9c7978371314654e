"""Our own records: the connection to MongoDB, its rules, and the embedded server."""

from smetka.storage.connection import Storage

__all__ = ["Storage"]
