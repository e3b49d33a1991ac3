"""Figures: kept in plain objects, shared by the processes of one server, told in Prometheus' text format."""
