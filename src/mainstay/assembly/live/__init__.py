"""What operators change while the app runs: maintenance, limits, origins; on every process within a second."""
