"""API keys and the service accounts that hold them: long-lived proof for programs."""
