"""Access tokens that others issued: an app's own from before, or those of a trusted external issuer."""
