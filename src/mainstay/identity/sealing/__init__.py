"""Values sealed at rest under the master key, and how a table says which of its columns hold them."""
