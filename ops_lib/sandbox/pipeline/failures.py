"""What SageMaker writes to S3FailurePath: a text (pipeline.md 4, 8: F15, F17)."""

from __future__ import annotations


def server_error(message: str) -> str:
    """Return the text where the container answered 500."""
    return f'Received server error (500) from primary with message "{message}".'


def timed_out(bucket: str, key: str) -> str:
    """Return the text where the invocation outlasted InvocationTimeoutSeconds; the key is that of the result."""
    return f"Timed out uploading object (bucket: {bucket}, key: {key})"
