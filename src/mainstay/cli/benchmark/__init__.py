"""What `mainstay bench` measures with: a copy to measure on, a bare floor, and an honest load."""
